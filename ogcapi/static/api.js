"use strict";

// The validator badge would send the address of this server to another host: off.
{
  const place = document.getElementById("swagger-ui");
  SwaggerUIBundle({
    url: place.dataset.openapi,
    domNode: place,
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: true,
    tryItOutEnabled: true,
    presets: [SwaggerUIBundle.presets.apis],
  });
}
