// What the console does with JavaScript that it does without, too; but for passkeys, which browsers hand out to scripts alone.
"use strict";

// A button that copies the text of the element it names.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = button.dataset.copied;
  });
}

// A form that is sent with the answer of a passkey. Its options are what the server asks for (WebAuthn Level 3 §5.1.10).
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const options = JSON.parse(form.dataset.options);
    try {
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.response.value = JSON.stringify(credential);
      form.submit();
    } catch {
      form.querySelector("[data-failed]").hidden = false;
    }
  });
}

// A picture of what a form would make of a page follows what is typed into it.
for (const button of document.querySelectorAll("button[data-picture]")) {
  let waiting = 0;
  const show = () => { clearTimeout(waiting); waiting = setTimeout(() => button.form.requestSubmit(button), 400); };
  button.form.addEventListener("input", show);
  button.form.addEventListener("change", show);
}
