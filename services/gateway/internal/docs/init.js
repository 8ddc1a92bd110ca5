// The page may not run anything inline: this file starts swagger-ui.
const root = document.getElementById("swagger-ui");

SwaggerUIBundle({
  domNode: root,
  url: "/openapi.json",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  showExtensions: true,
  validatorUrl: null,
  persistAuthorization: false,
});
