// A question that is not sent yet outlives the page: the sign-in may end while it is written.

const composer = document.getElementById("composer");
const question = document.getElementById("question");

// Each person and each address has its own: whoever signs in next does not see it.
const key = () => `question ${composer.dataset.person} ${location.pathname}${location.search}`;

/** Keep a question for this page; the function that is returned forgets it, once it is sent. */
export function keep(words) {
  const here = key();
  const forget = () => sessionStorage.removeItem(here);
  if (words.trim()) sessionStorage.setItem(here, words);
  else forget();
  return forget;
}

question.addEventListener("input", () => keep(question.value));
question.value = sessionStorage.getItem(key()) ?? question.value;
