// The chat page; each module looks after one part of it.

import "./scrolling.js";
import "./asking.js";
import "./attaching.js";
import "./turn_actions.js";
import "./copying.js";
import "./tabs.js";
import "./evidence.js";
import "./scope.js";
import "./shortcuts.js";
