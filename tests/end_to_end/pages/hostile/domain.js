// Sets its domain itself, so that windows of its own would pass for another origin's, or the other way round.
try { document.domain = document.domain; } catch { /* Not to be set. */ }
const frame = document.createElement('iframe');
frame.src = '/nothing';
document.body.append(frame);
try { use(window[0]); } catch { /* Of another origin. */ }
const empty = document.createElement('iframe');
document.body.append(empty);
try { use(empty.contentWindow); } catch { /* Of another origin. */ }
