import type { Topic } from '../entry.ts'

export const electric: Topic = {
	id: 'electric',
	name: 'E-bikes and batteries',
	entries: [
		{
			id: 'range',
			question: 'How far does an e-bike go on one charge?',
			also: ['How many miles does the battery give?', 'What is the range of an electric bike?'],
			answer:
				'With 500 Wh and a middle setting, 40 to 60 miles; on Turbo, uphill or in frost about half. The range calculator on each bike’s page takes your weight and route.',
		},
		{
			id: 'charge-time',
			question: 'How long does the battery take to charge?',
			also: ['How many hours to recharge an e-bike?', 'Can I leave the charger plugged in?'],
			answer: 'About four hours from empty with the charger in the box, two to four-fifths. It may stay plugged in; it stops by itself.',
		},
		{
			id: 'battery-life',
			question: 'How many years does an e-bike battery last?',
			also: ['When does the battery need replacing?', 'What does a new e-bike battery cost?', 'Does the battery lose capacity?'],
			answer:
				'About 1,000 full charges, for most riders seven years or more. We guarantee 70 % of its capacity for three years; new ones cost £450 to £650.',
		},
		{
			id: 'motor-error',
			question: 'The e-bike motor does not switch on or shows an error.',
			also: ['My e-bike will not turn on', 'The display shows an error code', 'The motor gives no assistance'],
			answer:
				'Take the battery out for ten seconds, wipe its contacts, put it back until it clicks. Note the error number on the display; with it we can often tell you the cure by phone.',
		},
		{
			id: 'licence',
			question: 'Do I need a licence or insurance to ride an electric bike?',
			also: ['Is it legal to ride an e-bike on the road?', 'What is the speed limit and age for e-bikes?', 'Must I insure my e-bike?'],
			answer:
				'No, for any e-bike that we sell: help ends at 15.5 mph and the motor has 250 watts, so by law it is a bicycle. You must be 14.',
		},
		{
			id: 'rain',
			question: 'Can I ride and wash an e-bike in the rain?',
			also: ['Is an e-bike waterproof?', 'Can I clean the motor with a pressure washer?', 'Can my bike get wet?'],
			answer: 'Rain is fine. Wash it with a bucket and a soft brush, battery in place and display off, and never with a pressure washer.',
		},
		{
			id: 'recycle-battery',
			question: 'Where can I recycle an old battery?',
			also: ['How do I dispose of a dead battery?', 'Do you take back lithium batteries?'],
			answer:
				'Bring it to the shop, whatever its make; we take batteries back for free. Do not post it and keep it out of the household bin.',
		},
	],
}
