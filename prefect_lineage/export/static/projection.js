// Links between nodes that the graph does not hold itself: past hidden values, and from artifact to artifact. Pure.

const MOST_PAIRS = 4000;

/** Links that lead past hidden values, so that taking values away does not tear the map apart. */
export function bridges(model, hidden, shown, usable) {
  const found = new Map();
  for (const value of hidden) {
    for (const into of model.up[value.index].filter(usable)) {
      for (const out of model.down[value.index].filter(usable)) {
        const key = `${into.from} ${out.to}`;
        if (into.from === out.to || found.has(key) || !shown.has(into.from) || !shown.has(out.to)) continue;
        found.set(key, made(into.from, out.to, [into, out], { via: [value.title], bridge: true }));
      }
    }
  }
  return [...found.values()];
}

/** From every version that a run read to every one that it wrote, with the run's job on the link. */
export function acrossRuns(model, runs, shown, usable) {
  const found = [];
  for (const run of runs) {
    const ins = model.up[run.index].filter((link) => usable(link) && shown.has(link.from));
    const outs = model.down[run.index].filter((link) => usable(link) && shown.has(link.to));
    if (ins.length * outs.length > MOST_PAIRS) continue;
    const words = { via: [run.label.replace(/^[A-Z]+ · /, "")], job: true };
    for (const into of ins) {
      for (const out of outs) {
        if (model.nodes[into.from].artifact !== model.nodes[out.to].artifact) found.push(made(into.from, out.to, [into, out], words));
      }
    }
  }
  return found;
}

/** The same links with hidden nodes taken out: what led to one leads on to where it led. */
export function without(links, hidden) {
  let rest = links;
  for (const node of hidden) {
    const ins = rest.filter((link) => link.to === node.index && link.from !== node.index);
    const outs = rest.filter((link) => link.from === node.index && link.to !== node.index);
    rest = rest.filter((link) => link.to !== node.index && link.from !== node.index);
    if (ins.length * outs.length > MOST_PAIRS) continue;
    for (const into of ins) for (const out of outs) rest.push(made(into.from, out.to, [into, out], { via: [...new Set([...into.via, ...out.via])], job: true }));
  }
  return rest;
}

function made(from, to, links, words) {
  const how = links.some((link) => link.how === "inferred") ? "inferred" : links.every((link) => link.how === "declared") ? "declared" : "observed";
  return { from, to, how, times: 1, edges: [], route: [], unchanged: false, partial: links.some((link) => link.partial), ...words };
}
