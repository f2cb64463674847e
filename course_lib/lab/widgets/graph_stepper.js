// A graph that is wider than its place is scrolled to the node of the present step.
hooks.push((picture) => {
  const place = picture.querySelector(".graph"), node = place?.querySelector(".now");
  if (!node) return;
  const box = place.getBoundingClientRect(), space = box.width / 4;
  if (place.scrollLeft !== (picture.scrolled ?? 0)) place.scrollLeft = picture.scrolled ?? 0;
  const now = node.getBoundingClientRect();
  if (now.left < box.left + space || now.right > box.right - space)
    place.scrollLeft += (now.left + now.right) / 2 - (box.left + box.right) / 2;
  picture.scrolled = place.scrollLeft;
});
