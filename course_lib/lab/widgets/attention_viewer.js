// What follows the mouse in the attention viewer: arcs, percentages under the tokens, the marked row of each map.
// The weights lie in the picture; hovering asks nobody. A click or the keyboard tells Python, which draws anew.

function attention(picture) {
  const root = picture.querySelector("[data-attention]");
  if (!root) return null;
  root.data ??= JSON.parse(root.dataset.attention);
  return root;
}

// One row (what token i reads from) or one column (what reads it) of a head, or of the mean of all heads.
function weightsOf({ weights, reads }, { head, token, way }) {
  const heads = head < 0 ? weights : [weights[head]];
  const line = way === reads ? (A) => A[token] : (A) => A.map((row) => row[token]);
  const sum = line(heads[0]).map((_, i) => heads.reduce((total, A) => total + line(A)[i], 0));
  return sum.map((total) => total / heads.length / 1000);
}

const percent = (w) => (w >= 0.005 ? `${Math.round(100 * w)}` : "");

function paint(root, shown) {
  const { data } = root, forwards = shown.way === data.reads, w = weightsOf(data, shown);
  const rowOf = (side) => [...root.querySelectorAll(`.token[data-row="${data.cross ? side : 0}"]`)];
  const from = rowOf(forwards ? 0 : 1), to = rowOf(forwards ? 1 : 0);
  root.classList.toggle("backwards", !forwards);
  from.forEach((node, i) => {
    node.classList.toggle("here", i === shown.token);
    if (data.cross) { node.style.setProperty("--w", 0); node.querySelector("small").textContent = ""; }
  });
  to.forEach((node, i) => {
    if (data.cross) node.classList.remove("here");
    node.style.setProperty("--w", w[i].toFixed(3));
    node.querySelector("small").textContent = percent(w[i]);
  });
  drawArcs(root, from[shown.token], to, w);
  root.querySelectorAll("canvas").forEach((canvas) => drawMap(root, canvas, shown));
}

function drawArcs(root, here, there, w) {
  const svg = root.querySelector(".arcs"), { cross } = root.data;
  const rows = root.querySelector(".rows"), middle = (node) => node.offsetLeft + node.offsetWidth / 2;
  svg.setAttribute("width", rows.scrollWidth);
  svg.setAttribute("height", svg.clientHeight);
  const x = middle(here), low = svg.clientHeight, top = here.offsetTop < there[0].offsetTop;
  svg.replaceChildren(...there.flatMap((node, i) => {
    if (w[i] < 0.01) return [];
    const path = document.createElementNS(svg.namespaceURI, "path"), to = middle(node);
    const lift = Math.min(low - 6, 22 + 0.3 * Math.abs(to - x));
    const [start, end] = cross ? (top ? [0, low] : [low, 0]) : [low, low];
    const [a, b] = cross ? [low / 2, low / 2] : [low - 1.33 * lift, low - 1.33 * lift];
    const loop = !cross && node === here ? 13 : 0;  // to itself
    path.setAttribute("d", `M${x - loop / 2} ${start}C${x - loop} ${a} ${to + loop} ${b} ${to + loop / 2} ${end}`);
    path.style.strokeWidth = `${1 + 7 * w[i]}px`;
    path.style.opacity = 0.3 + 0.7 * w[i];
    return [path];
  }));
}

function drawMap(root, canvas, shown) {
  const { data } = root, head = +canvas.dataset.head, forwards = shown.way === data.reads;
  const T = data.weights[0].length, S = data.weights[0][0].length, cell = Math.max(4, Math.round(240 / Math.max(T, S)));
  const style = getComputedStyle(root), ink = canvas.getContext("2d");
  canvas.width = S * cell;
  canvas.height = T * cell;
  ink.fillStyle = style.getPropertyValue("--blue");
  for (let t = 0; t < T; t++) {
    const row = weightsOf(data, { head, token: t, way: data.reads });
    row.forEach((w, s) => { ink.globalAlpha = w; ink.fillRect(s * cell, t * cell, cell, cell); });
  }
  ink.globalAlpha = 1;
  ink.strokeStyle = style.getPropertyValue("--orange");
  ink.lineWidth = Math.max(3, cell / 5);
  if (forwards) ink.strokeRect(1, shown.token * cell, S * cell - 2, cell);
  else ink.strokeRect(shown.token * cell, 1, cell, T * cell - 2);
  const w = weightsOf(data, { ...shown, head }), best = w.indexOf(Math.max(...w));
  const name = root.querySelector(`.token[data-key="${data.cross && forwards ? 1 : 0}-${best}"]`).firstChild.textContent;
  canvas.nextElementSibling.textContent = `${forwards ? "→" : "←"} ${name} ${percent(w[best]) || "<1"} %`;
}

function follow(picture, send) {
  const state = () => attention(picture)?.data.state;
  const tokenAt = (event) => {
    const node = event.target.closest?.(".token"), canvas = event.target.closest?.("canvas"), root = attention(picture);
    if (node) {
      const [side, token] = node.dataset.key.split("-").map(Number);
      return { ...state(), token, ...(root.data.cross && { way: side ? "is read by" : root.data.reads }) };
    }
    if (!canvas) return null;
    const box = canvas.getBoundingClientRect(), A = root.data.weights[0], forwards = state().way === root.data.reads;
    const part = forwards ? (event.clientY - box.top) / box.height * A.length : (event.clientX - box.left) / box.width * A[0].length;
    const token = Math.min(Math.max(Math.floor(part), 0), (forwards ? A : A[0]).length - 1);
    return { ...state(), token, head: +canvas.dataset.head };
  };
  picture.addEventListener("mousemove", (event) => {
    const root = attention(picture), shown = tokenAt(event) ?? state();
    const key = JSON.stringify(shown);
    if (root && root.painted !== key) { root.painted = key; paint(root, shown); }
  });
  picture.addEventListener("mouseleave", () => { const root = attention(picture); if (root) { root.painted = ""; paint(root, state()); } });
  picture.addEventListener("focusin", (event) => {  // arrow keys move the focus: what has it is shown, and kept
    if (!event.target.matches(":focus-visible")) return;
    const now = state();
    if (event.target.matches(".token")) {
      const [side, token] = event.target.dataset.key.split("-").map(Number), { cross, reads } = attention(picture).data;
      if (cross ? token !== now.token || side !== +(now.way !== reads) : token !== now.token)
        cross ? send("row", [side, token]) : send("token", token);
    }
    const head = event.target.querySelector?.("canvas")?.dataset.head;
    if (head !== undefined && +head !== now.head) send("head", +head);
  });
}

hooks.push((picture, { send }) => {
  const root = attention(picture);
  if (!root) return;
  if (!picture.followed) {
    picture.followed = true;
    follow(picture, send);
    new ResizeObserver(() => { const now = attention(picture); if (now) paint(now, now.data.state); }).observe(picture);
  }
  paint(root, root.data.state);
});
