// The page to read the OpenAPI document: Swagger UI, served from here, so that it works offline.

/** Where the page finds Swagger UI's files; the build copies them there. */
export const swaggerFolder = '/docs'

/** Its only scripts are Swagger UI's and the one that starts it. */
export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spillway edge: API</title>
<link rel="stylesheet" href="${swaggerFolder}/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="api"></div>
<script src="${swaggerFolder}/swagger-ui-bundle.js"></script>
<script src="${swaggerFolder}/start.js"></script>
</body>
</html>
`

export const startScript = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null })
`

/** Swagger UI writes style attributes and data: images; nothing is loaded from elsewhere. */
export const docsPolicy =
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
