// Ask before the page is left with unsaved changes of its form.
addEventListener("load", () => setTimeout(() => { // after the admin's scripts have prepared the fields
  const form = document.querySelector("#content-main form");
  if (!form) return;
  const values = () => JSON.stringify([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  const saved = document.querySelector(".errornote") ? null : values(); // a form with errors is not saved
  let leaving = false;
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", event => {
    if (!leaving && values() !== saved) event.preventDefault();
  });
}));
