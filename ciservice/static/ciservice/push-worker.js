// Shows what is pushed, and opens the page that it is about.

self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data.json(); } catch { return; }
  const options = { body: told.body, tag: told.tag, data: { link: told.link }, icon: "/static/ciservice/favicon.svg" };
  event.waitUntil(self.registration.showNotification(told.title || "ciservice", options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = event.notification.data && event.notification.data.link;
  if (!link || new URL(link, self.location).origin !== self.location.origin) return;
  event.waitUntil(self.clients.openWindow(link));
});
