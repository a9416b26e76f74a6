// What this page tells the other tabs of this browser.

const chat = document.getElementById("chat");

export const channel = new BroadcastChannel("pagewise-chat");

/** Tell the other tabs that the turns of this conversation, or the list of them, changed. */
export function tell(what) {
  channel.postMessage({ what, turns: chat.dataset.turns ?? "" });
}
