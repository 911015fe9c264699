/* Asks the checker a moment after somebody stopped typing. Without it the button « Vérifier » does. */
const findings = document.getElementById("findings");
const form = findings && findings.closest("form");
let timer = 0;

async function ask() {
  const body = new FormData(form);
  try {
    const answer = await fetch(findings.dataset.check, { method: "POST", body });
    if (answer.ok) findings.innerHTML = await answer.text();
  } catch (error) {
    /* no network: the button is still there */
  }
}

if (form) {
  form.elements.body.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 1500);
  });
}
