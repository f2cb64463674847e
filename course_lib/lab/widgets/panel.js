// The browser's half of every widget. It draws native controls (so that keys and screen readers work as everywhere),
// the picture, and one line in words that is read aloud when it changes.
//
// Whatever in the picture carries data-set='{"name": value}' is a button: a click, Enter or Space sends it. Inside
// an element with data-arrows the arrow keys go from one such button to the next.
//
// queue.js stands before this file. A widget's own script (name.js, joined behind it) adds to `hooks` functions
// (picture, { send, model }) that are called after each picture was drawn, for what must follow the mouse.
const hooks = [];

const make = (tag, className, parent) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent?.append(node);
  return node;
};

// A button that moves a slider on, to its end in a hundred pictures at most, each after the last one has come.
function playerOf(spec, input, parent) {
  const node = make("button", "", parent);
  let playing = false, timer;
  const say = () => {
    node.textContent = playing ? "❚❚" : "▶";
    node.setAttribute("aria-label", `${playing ? "Stop playing" : "Play"} ${spec.label}`);
  };
  const go = () => {
    if (!playing || !node.isConnected) return;
    if (+input.value >= +input.max) playing = false;
    else { input.value = +input.value + Math.max(1, Math.round(input.max / 100)); input.oninput(); }
    say();
  };
  node.type = "button";
  node.onclick = (event) => {
    event.preventDefault();  // the label it stands in would pass the click on to the slider
    playing = !playing;
    if (playing && +input.value >= +input.max) { input.value = 0; input.oninput(); } else go();
    say();
  };
  say();
  return (now, idle) => {
    node.disabled = !now.enabled;
    clearTimeout(timer);
    if (idle && playing) timer = setTimeout(go, 120);
  };
}

const makers = {
  slider(spec, send) {
    const label = make("label"), input = make("input"), shown = make("output");
    Object.assign(input, { type: "range", min: 0, step: 1 });
    label.append(make("span"), input, shown);
    input.oninput = () => send(spec.name, +input.value, { merge: true });
    const player = spec.plays ? playerOf(spec, input, label) : () => {};
    return [label, (now, idle) => {
      input.max = now.last;
      input.value = now.value;
      input.setAttribute("aria-valuetext", shown.textContent = now.shown);
      player(now, idle);
    }];
  },
  choice(spec, send) {
    const label = make("label"), input = make("select");
    label.append(make("span"), input);
    input.onchange = () => send(spec.name, +input.value);
    return [label, (now) => {
      if (input.options.length !== now.texts.length || now.texts.some((t, i) => input.options[i].text !== t))
        input.replaceChildren(...now.texts.map((text, i) => new Option(text, i)));
      input.value = now.value;
    }];
  },
  toggle(spec, send) {
    const label = make("label"), input = make("input");
    input.type = "checkbox";
    label.append(input, make("span"));
    input.onchange = () => send(spec.name, input.checked);
    return [label, (now) => { input.checked = now.value; }];
  },
  text(spec, send) {
    const label = make("label"), input = make("input");
    input.type = "text";
    label.append(make("span"), input);
    input.onchange = () => send(spec.name, input.value);
    return [label, (now) => { if (document.activeElement !== input) input.value = now.value; }];
  },
  button(spec, send) {
    const node = make("button");
    node.type = "button";
    node.append(make("span"));
    node.onclick = () => send(spec.name, true);
    return [node, () => {}];
  },
};

function drawControls(bar, specs, send, queue) {
  const shape = JSON.stringify(specs.map(({ kind, name }) => [kind, name]));
  if (bar.dataset.shape !== shape) {
    bar.replaceChildren();
    bar.dataset.shape = shape;
    bar.updates = specs.map((spec) => {
      const [node, update] = makers[spec.kind](spec, send);
      node.dataset.name = spec.name;
      bar.append(node);
      return (now) => {
        node.querySelector("span").textContent = now.label;
        const input = node.matches("button") ? node : node.querySelector("input, select");
        input.disabled = !now.enabled;
        if (input !== node) input.setAttribute("aria-label", now.label);  // a label around a list would read its options
        const value = queue.meant.get(now.name) ?? now.value;  // until the answer is here, the hand is right
        update({ ...now, value }, queue.idle);
      };
    });
  }
  specs.forEach((now, i) => bar.updates[i](now));
}

// The picture is replaced as a whole; whoever stood on one of its buttons stands on the same one afterwards.
function drawPicture(place, html) {
  if (place.shown === html) return;
  place.shown = html;
  const keyOf = (node) => node.dataset.key ?? node.dataset.set;
  const focused = place.contains(document.activeElement) ? keyOf(document.activeElement) : undefined;
  const scrolled = [...place.querySelectorAll("[data-scroll]")].map((node) => node.scrollLeft);
  place.innerHTML = html;
  place.querySelectorAll("[data-scroll]").forEach((node, i) => { node.scrollLeft = scrolled[i] ?? node.scrollWidth; });
  if (focused === undefined) return;
  const buttons = [...place.querySelectorAll("[data-set]:not([disabled])")];
  (buttons.find((node) => keyOf(node) === focused) ?? buttons[0])?.focus({ preventScroll: true });
}

function listen(root, picture, send) {
  const press = (event) => {
    const node = event.target.closest("[data-set]");
    if (!node || node.disabled) return;
    event.preventDefault();
    Object.entries(JSON.parse(node.dataset.set)).forEach(([name, value]) => send(name, value));
  };
  picture.addEventListener("click", press);
  picture.addEventListener("keydown", (event) => {
    const group = event.target.closest("[data-arrows]");
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (group && step) {
      const buttons = [...group.querySelectorAll("[data-set]:not([disabled])")];
      buttons[buttons.indexOf(event.target) + step]?.focus();
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && !event.target.matches("button, a, input")) press(event);
  });
  // In JupyterLab's command mode plain keys belong to the notebook (a: new cell, arrows: next cell), but not in here.
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")))
      event.stopPropagation();
  });
}

function render({ model, el }, queue) {
  const root = make("section", `course-widget ${model.get("kind")}`, el);
  const bar = make("div", "controls", root), picture = make("div", "picture", root), words = make("p", "words", root);
  root.setAttribute("role", "group");
  words.setAttribute("aria-live", "polite");
  const tellBusy = () => root.setAttribute("aria-busy", String(!queue.idle));
  const send = (...action) => { queue.send(...action); tellBusy(); };
  listen(root, picture, send);
  const draw = () => {
    root.setAttribute("aria-label", model.get("label"));
    drawControls(bar, model.get("controls"), send, queue);
    drawPicture(picture, model.get("picture"));
    if (words.textContent !== model.get("words")) words.textContent = model.get("words");
    hooks.forEach((hook) => hook(picture, { send, model }));
    root.dataset.count = model.get("count");
    tellBusy();
  };
  model.on("change:count", draw);
  draw();
  return () => model.off("change:count", draw);
}

// Called once for each model, whose views share what is made here.
export default () => {
  let queue;
  return {
    initialize({ model }) { queue = makeQueue(model); },
    render(context) { return render(context, queue); },
  };
};
