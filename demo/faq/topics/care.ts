import type { Topic } from '../entry.ts'

export const care: Topic = {
	id: 'care',
	name: 'Care at home',
	entries: [
		{
			id: 'flat-tyre',
			question: 'How do I fix a puncture?',
			also: ['I have a flat tyre', 'How do I change an inner tube?'],
			answer:
				'Take the wheel out, lever off one side of the tyre, find the hole by ear or in water, patch or swap the tube, and feel inside the tyre for what did it before you close it.',
		},
		{
			id: 'tyre-pressure',
			question: 'How hard should I pump my tyres?',
			also: ['What psi or bar do my tyres need?', 'How much air goes into a tyre?'],
			answer:
				'Between the two numbers on the tyre’s side. For a rider of 75 kg: 5 bar at 28 mm, 3.5 at 40 mm, 2 at 55 mm; a little less in the wet.',
		},
		{
			id: 'oil-chain',
			question: 'How do I clean and oil the chain?',
			also: ['My chain is dirty, rusty or noisy', 'Which lubricant, and how often?'],
			answer:
				'Wipe it with a rag and degreaser, let it dry, put one drop of oil on each roller, turn the cranks, and wipe off everything you can see. Every 100 miles, and after rain.',
		},
		{
			id: 'brakes-squeal',
			question: 'My brakes squeal or feel weak. What can I do?',
			also: ['The brakes make a noise', 'My bike does not stop well', 'When do brake pads need replacing?'],
			answer:
				'Clean rim or disc with alcohol and look at the pads: under one millimetre, or shiny, they are done. If the lever comes back to the bar, stop riding and bring it in.',
		},
		{
			id: 'gears-slip',
			question: 'My gears skip or will not shift properly.',
			also: ['The chain jumps when I pedal', 'I cannot get into the lowest gear', 'How do I adjust the derailleur?'],
			answer:
				'Turn the barrel adjuster at the rear derailleur a quarter turn at a time until it runs quietly. If it skips under load, chain and cassette are worn and need changing together.',
		},
		{
			id: 'winter-storage',
			question: 'How should I store my bike over the winter?',
			also: ['Where do I keep a bike that is not ridden for months?', 'Prepare my bicycle for winter'],
			answer:
				'Clean, oiled and dry, tyres pumped up, hung or standing off the ground. Take batteries indoors at about half charge, and lights off the bars.',
		},
		{
			id: 'saddle-pain',
			question: 'My saddle hurts. How do I make riding more comfortable?',
			also: ['How high should my seat be?', 'My bottom hurts when I ride', 'Uncomfortable seat'],
			answer:
				'Set its height so that your heel just reaches the pedal with a straight leg, and its nose level. If it still hurts after two weeks, swap it: any saddle of ours can be tried for a month.',
		},
	],
}
