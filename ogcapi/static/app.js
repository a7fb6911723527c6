"use strict";

// Filter and pages of a long list; without JavaScript the whole list is shown.
function pageList(list) {
  const items = Array.from(list.children, (element) => ({
    element,
    words: `${element.textContent} ${element.dataset.words || ""}`.toLowerCase(),
  }));
  const size = Number(list.dataset.pageSize);
  const filter = document.querySelector(`[data-filter="${list.id}"]`);
  const pager = document.querySelector(`[data-pager="${list.id}"]`);
  const status = document.querySelector(`[data-status="${list.id}"]`);
  const input = filter.querySelector("input");
  const buttons = Array.from(pager.querySelectorAll("button"));
  let first = 0;

  function show() {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter((item) => wanted.every((word) => item.words.includes(word)));
    first = Math.max(0, Math.min(first, Math.floor((found.length - 1) / size) * size));
    const shown = new Set(found.slice(first, first + size));
    for (const item of items) item.element.hidden = !shown.has(item);
    status.textContent = found.length
      ? status.dataset.text
          .replace("{first}", first + 1)
          .replace("{last}", first + shown.size)
          .replace("{total}", found.length)
      : status.dataset.none;
    pager.hidden = found.length <= size;
    buttons[0].disabled = first === 0;
    buttons[1].disabled = first + size >= found.length;
  }

  input.addEventListener("input", () => {
    first = 0;
    show();
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      first += Number(button.dataset.step) * size;
      show();
      status.scrollIntoView({ block: "start" });
    });
  }
  filter.hidden = items.length < 7;
  show();
}

function offerCopy(button) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 2000);
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
}

document.querySelectorAll("[data-page-size]").forEach(pageList);
document.querySelectorAll("[data-copy]").forEach(offerCopy);
