// What makes forms pleasanter; all of them work without it.

// A second press of a button while the first is under way would send the form twice.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
  }
  event.target.dataset.sent = "yes";
});

// A page that comes back by the back button may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
  }
});

// Tell that a file is too large before it has been uploaded.
document.addEventListener("change", (event) => {
  const limit = Number(event.target.dataset.maxBytes);
  if (limit) {
    const tooLarge = [...event.target.files].some((file) => file.size > limit);
    const megabytes = Math.floor(limit / 1024 / 1024);
    event.target.setCustomValidity(tooLarge ? `At most ${megabytes} MB fit.` : "");
    event.target.reportValidity();
  }
});
