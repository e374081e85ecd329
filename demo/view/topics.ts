// All help topics as HTML: written into the page when it is built, so that they can be read without the model and without JavaScript.

import type { Topic } from '../faq/entry.ts'

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] as string)

/** The topics with their questions and answers. */
export const topicsHtml = (topics: readonly Topic[]): string =>
	topics
		.map(
			({ name, entries }) => `
<details class="topic">
	<summary><span class="topic-name">${escaped(name)}</span> <span class="topic-count">${entries.length} answers</span></summary>
	<dl>
${entries.map(({ id, question, answer }) => `		<div id="${id}"><dt>${escaped(question)}</dt><dd>${escaped(answer)}</dd></div>`).join('\n')}
	</dl>
</details>`,
		)
		.join('')
