// The drawing of the way a question took: the device's level, a weir, and the edge's level below it.

const drawing = `<svg viewBox="0 0 480 128" aria-hidden="true" focusable="false">
	<path class="pool upper" d="M0 22H252V128H0z" />
	<path class="pool lower" d="M276 74H480V128H276z" />
	<path class="wall" d="M252 34q0-4 4-4h8q4 0 5 4l11 94h-28z" />
	<path class="level" d="M0 22H252M284 74H480" />
	<path class="flow to-device" pathLength="1" d="M0 22H126" />
	<path class="flow to-edge" pathLength="1" d="M0 22H256C288 22 272 74 308 74H384" />
	<circle class="stop at-device" cx="126" cy="22" r="10" />
	<circle class="stop at-edge" cx="384" cy="74" r="10" />
</svg>`

/** @param device whether the question stayed on the device. */
export function courseDrawing(device: boolean): Node {
	const template = document.createElement('template')
	template.innerHTML = `<div class="course" data-ran="${device ? 'device' : 'edge'}">${drawing}<span class="course-label on-device">This device</span><span class="course-label on-edge">Our edge</span></div>`
	return template.content
}
