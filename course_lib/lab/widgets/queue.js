// What a person does waits here until the last question is answered, so that dragging a slider never piles up work.
// One queue for all views of a model: JupyterLab may replace a view while an answer is due. A picture may also come
// unasked, from a run that goes on; `answered` says which question a picture answers.
function makeQueue(model) {
  let asked = model.get("answered"), actions = [];
  const meant = new Map();  // control → where the hand has put it
  const due = () => model.get("answered") < asked;
  const flush = () => {
    if (due()) return;
    if (!actions.length) return meant.clear();
    model.send({ actions, turn: ++asked });
    actions = [];
  };
  model.on("change:count", flush);
  return {
    send(name, value, { merge = false } = {}) {
      if (merge && actions.at(-1)?.[0] === name) actions.pop();
      actions.push([name, value]);
      meant.set(name, value);
      flush();
    },
    get idle() { return !due() && !actions.length; },
    meant,
  };
}
