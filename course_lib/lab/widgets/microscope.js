// What the array microscope adds to a picture: fields that send an edit, arrow keys that go in two directions.
// A field that is being typed into survives a redraw.
hooks.push((picture, { send }) => {
  const field = document.activeElement;
  if (picture.contains(field) && field.matches(".microscope input")) {
    if (picture.typed?.key === field.dataset.key) field.value = picture.typed.text;
    else field.select();
  }
  if (picture.edits) return;
  picture.edits = true;
  picture.typed = null;

  const edit = (input, text) => {
    picture.typed = null;
    const [name] = JSON.parse(input.dataset.set).picked, [row, column] = input.dataset.cell.split(",").map(Number);
    send("edit", [name, row, column, text]);
  };
  picture.addEventListener("input", ({ target }) => {
    if (target.matches(".microscope input")) picture.typed = { key: target.dataset.key, text: target.value };
  });
  for (const kind of ["click", "dblclick"]) picture.addEventListener(kind, ({ target }) => {
    if (target.matches(".microscope input") && picture.typed === null) target.select();  // what one types replaces it
  });
  picture.addEventListener("change", ({ target }) => {
    if (target.matches(".microscope input")) edit(target, target.value);
  });

  const go = (node, down, right) => {
    const [row, column] = node.dataset.cell.split(",").map(Number);
    node.closest("table").querySelector(`[data-cell="${row + down},${column + right}"]`)?.focus();
  };
  picture.addEventListener("keydown", (event) => {
    const node = event.target.closest?.(".microscope [data-cell]");
    if (!node) return;
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Escape") send("picked", null);
    else if (step && node.matches("button")) go(node, ...step);
    else if (step?.[0]) {
      const number = parseFloat(node.value.replace("−", "-").replace(",", ".")) || 0;
      edit(node, (node.value = (number - 0.1 * step[0]).toFixed(2)));
    } else return;
    event.preventDefault();
  });
});
