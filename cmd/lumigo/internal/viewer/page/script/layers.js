// Where the nodes of a graph stand: in layers, callers before what they call, with few crossings. This is Sugiyama's
// method in its simplest form, which suits the tens of nodes that a map of services has.

// layOut places nodes, { id, breadth, length }, where length runs in the direction of the edges, which are { from, to }.
// It returns { nodes: Map of id to { along, across }, the middle of each, edges: a list of points for each edge, in the
// order of edges, along, across: the size of the whole }.
export function layOut(nodes, edges, { layerGap, nodeGap }) {
  const graph = new Map(nodes.map((n) => [n.id, { ...n, out: [], into: [] }]))
  const acyclic = withoutCycles(graph, edges)
  for (const { from, to } of acyclic) if (from !== to) {
    graph.get(from).out.push(to)
    graph.get(to).into.push(from)
  }
  rank(graph)
  const paths = insertBends(graph, acyclic)
  const layers = order(graph)
  place(graph, layers, { layerGap, nodeGap })

  const points = edges.map((edge, i) => {
    const path = paths[i].map((id) => ({ along: graph.get(id).along, across: graph.get(id).across }))
    return acyclic[i].turned ? path.reverse() : path
  })
  const placed = new Map(nodes.map(({ id }) => [id, { along: graph.get(id).along, across: graph.get(id).across }]))
  const all = [...graph.values()]
  return {
    nodes: placed,
    edges: points,
    along: Math.max(0, ...all.map((n) => n.along + n.length / 2)),
    across: Math.max(0, ...all.map((n) => n.across + n.breadth / 2)),
  }
}

// withoutCycles turns around the edges that close a cycle.
function withoutCycles(graph, edges) {
  const next = new Map([...graph.keys()].map((id) => [id, []]))
  const called = new Set()
  edges.forEach((e, i) => {
    next.get(e.from).push(i)
    if (e.from !== e.to) called.add(e.to)
  })
  const turned = new Set()
  const state = new Map() // 1 while a node is on the way from the start, 2 after
  const starts = [...graph.keys()].sort((a, b) => called.has(a) - called.has(b) || (a < b ? -1 : 1))
  for (const start of starts) {
    const way = state.has(start) ? [] : [{ id: start, at: 0 }]
    if (way.length > 0) state.set(start, 1)
    while (way.length > 0) {
      const top = way.at(-1)
      const i = next.get(top.id)[top.at++]
      if (i === undefined) {
        state.set(top.id, 2)
        way.pop()
        continue
      }
      const to = edges[i].to
      if (state.get(to) === 1) turned.add(i)
      else if (!state.has(to)) {
        state.set(to, 1)
        way.push({ id: to, at: 0 })
      }
    }
  }
  return edges.map(({ from, to }, i) => turned.has(i) && from !== to ? { from: to, to: from, turned: true } : { from, to, turned: false })
}

// rank gives each node the layer after the last of its callers.
function rank(graph) {
  const left = new Map([...graph].map(([id, n]) => [id, n.into.length]))
  const ready = [...graph.keys()].filter((id) => left.get(id) === 0)
  for (const node of graph.values()) node.layer = 0
  for (let id; (id = ready.shift()) !== undefined;) {
    for (const to of graph.get(id).out) {
      graph.get(to).layer = Math.max(graph.get(to).layer, graph.get(id).layer + 1)
      left.set(to, left.get(to) - 1)
      if (left.get(to) === 0) ready.push(to)
    }
  }
}

// insertBends cuts edges that go over several layers into pieces from one to the next.
function insertBends(graph, edges) {
  for (const node of graph.values()) {
    node.out = []
    node.into = []
  }
  return edges.map(({ from, to }, i) => {
    if (from === to) return [from, to]
    const path = [from]
    for (let layer = graph.get(from).layer + 1; layer < graph.get(to).layer; layer++) {
      const id = `\u0000bend ${i} ${layer}`
      graph.set(id, { id, breadth: 8, length: 0, layer, out: [], into: [], bend: true })
      path.push(id)
    }
    path.push(to)
    for (let k = 1; k < path.length; k++) {
      graph.get(path[k - 1]).out.push(path[k])
      graph.get(path[k]).into.push(path[k - 1])
    }
    return path
  })
}

// order sorts each layer by where the neighbours of its nodes are, back and forth, and keeps the best it finds.
function order(graph) {
  const layers = []
  for (const node of graph.values()) (layers[node.layer] ??= []).push(node.id)
  for (const layer of layers) layer.sort()
  const positions = () => {
    for (const layer of layers) layer.forEach((id, i) => { graph.get(id).position = i })
  }
  positions()
  let best = layers.map((l) => [...l])
  let fewest = crossings(graph, layers)
  for (let sweep = 0; sweep < 12 && fewest > 0; sweep++) {
    const down = sweep % 2 === 0
    const turn = down ? layers.slice(1) : layers.slice(0, -1).reverse()
    for (const layer of turn) {
      const middle = new Map(layer.map((id) => {
        const near = down ? graph.get(id).into : graph.get(id).out
        return [id, near.length === 0 ? graph.get(id).position : near.reduce((sum, n) => sum + graph.get(n).position, 0) / near.length]
      }))
      layer.sort((a, b) => middle.get(a) - middle.get(b))
      layer.forEach((id, i) => { graph.get(id).position = i })
    }
    const n = crossings(graph, layers)
    if (n < fewest) {
      fewest = n
      best = layers.map((l) => [...l])
    }
  }
  best.forEach((layer) => layer.forEach((id, i) => { graph.get(id).position = i }))
  return best
}

function crossings(graph, layers) {
  let n = 0
  for (const layer of layers) {
    const lines = layer.flatMap((id) => graph.get(id).out.map((to) => [graph.get(id).position, graph.get(to).position]))
    for (let i = 0; i < lines.length; i++) {
      for (let j = 0; j < i; j++) if ((lines[i][0] - lines[j][0]) * (lines[i][1] - lines[j][1]) < 0) n++
    }
  }
  return n
}

// place moves the nodes of each layer towards their neighbours, as far as those beside them allow.
function place(graph, layers, { layerGap, nodeGap }) {
  let along = 0
  for (const layer of layers) {
    const length = Math.max(0, ...layer.map((id) => graph.get(id).length))
    let across = 0
    for (const id of layer) {
      const node = graph.get(id)
      node.along = along + length / 2
      node.across = across + node.breadth / 2
      across += node.breadth + nodeGap
    }
    along += length + layerGap
  }
  for (let turn = 0; turn < 24; turn++) {
    for (const layer of turn % 2 === 0 ? layers : [...layers].reverse()) {
      const wish = layer.map((id) => {
        const near = [...graph.get(id).into, ...graph.get(id).out]
        return near.length === 0 ? graph.get(id).across : near.reduce((sum, n) => sum + graph.get(n).across, 0) / near.length
      })
      settle(layer.map((id) => graph.get(id)), wish, nodeGap)
    }
  }
  const least = Math.min(...[...graph.values()].map((n) => n.across - n.breadth / 2))
  for (const node of graph.values()) node.across -= least
}

// settle puts nodes as near to their wishes as their order and the gap allow: those that are in each other's way move
// as one block to the mean of what they wish.
function settle(nodes, wish, gap) {
  const blocks = []
  nodes.forEach((node, i) => {
    let block = { nodes: [node], offsets: [0], wishes: [wish[i]], at: wish[i], size: node.breadth }
    for (let before; (before = blocks.at(-1)) && before.at - before.nodes[0].breadth / 2 + before.size + gap > block.at - block.nodes[0].breadth / 2;) {
      blocks.pop()
      const shift = before.size + gap - before.nodes[0].breadth / 2 + block.nodes[0].breadth / 2
      block = {
        nodes: [...before.nodes, ...block.nodes],
        offsets: [...before.offsets, ...block.offsets.map((o) => o + shift)],
        wishes: [...before.wishes, ...block.wishes],
        size: before.size + gap + block.size,
      }
      block.at = block.wishes.reduce((sum, w, k) => sum + w - block.offsets[k], 0) / block.wishes.length
    }
    blocks.push(block)
  })
  for (const block of blocks) block.nodes.forEach((node, k) => { node.across = block.at + block.offsets[k] })
}
