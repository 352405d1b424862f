(function () {
// A question may be called `action` or `append`, and would then hide the form's own: nothing is read off the form by such a name.
var d = document, f = d.forms[0], m = d.getElementById('status'), o = m.dataset, t = performance.now(), k = f.getAttribute('action'), done = !o.send;
// Only a person turns the wheel, taps or types on a page she can see; a script's scrolling counts as trusted too.
function go(e) {
if (done || !e.isTrusted || d.visibilityState !== 'visible' || d.prerendering || navigator.webdriver || performance.now() - t < 1200) return;
done = 1;
// Whoever presses something inside the form is still choosing: from now on only the button sends.
if (e.type !== 'wheel' && e.target.closest && e.target.closest('form')) return;
var b = new URLSearchParams(new FormData(f));
b.set('automatic', '1');
fetch(k, { method: 'POST', keepalive: true, credentials: 'same-origin', body: b }).then(function (r) { if (r.ok) m.textContent = o.saved });
}
['pointerdown', 'touchstart', 'keydown', 'wheel'].forEach(function (n) { addEventListener(n, go, { passive: true, capture: true }) });
// A press that no person made says so, whatever the browser vouches for.
f.addEventListener('click', function (e) {
if (e.isTrusted || e.target.type !== 'submit') return;
var i = d.createElement('input');
i.type = 'hidden'; i.name = 'automatic'; i.value = 1;
m.append(i);
}, true);
// What was begun is still there after a reload or a lost connection; the rating is the link's.
try {
if (o.fresh) new URLSearchParams(sessionStorage.getItem(k)).forEach(function (v, n) {
if (n !== 'rating') d.getElementsByName(n).forEach(function (i) { if (i.type === 'textarea') i.value = v; else if (i.value === v) i.checked = 1 });
});
f.addEventListener('input', function () { sessionStorage.setItem(k, new URLSearchParams(new FormData(f))) });
} catch (e) { }
})();
