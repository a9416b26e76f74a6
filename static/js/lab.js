// The lab: the slider says where it stands, and moving it switches the sweep on.

const slider = document.getElementById("id_alpha");
const sweep = document.getElementById("id_sweep");
const value = document.getElementById("alpha-value");

const show = () => {
  value.textContent = Number(slider.value).toFixed(2);
};

slider.addEventListener("input", () => {
  sweep.checked = true;
  show();
});
show();
