import type { Topic } from '../entry.ts'

export const choosing: Topic = {
	id: 'choosing',
	name: 'Choosing a bike',
	entries: [
		{
			id: 'frame-size',
			question: 'What frame size do I need?',
			also: ['Which size fits my height?', 'How do I measure for the right bike size?', 'Small, medium or large?'],
			answer:
				'Measure your inside leg in bare feet and type it in on any bike’s page: it tells you the size and what to do between two. In the shop we put you on a fitting bike for free.',
		},
		{
			id: 'test-ride',
			question: 'Can I test ride a bike before I buy it?',
			also: ['Try out a bike in the shop', 'Book a trial ride'],
			answer: 'Yes, for an hour, with photo ID. Tell us the model and size a day ahead and it stands ready with your saddle height set.',
		},
		{
			id: 'kind-of-bike',
			question: 'Which type of bike is right for commuting?',
			also: ['What bike should I get for riding to work?', 'Hybrid, gravel bike or e-bike?', 'Help me choose a bike'],
			answer:
				'Up to five miles on roads, a hybrid with mudguards. Farther, or with towpaths on the way, a gravel bike with 40 mm tyres. With hills and a suit, an e-bike.',
		},
		{
			id: 'child-bike',
			question: 'What size of bike does my child need?',
			also: ['Bike for a six-year-old', 'Which wheel size for kids?'],
			answer:
				'Go by inside leg, not age: 14 inch wheels from 38 cm, 16 from 43, 20 from 52, 24 from 62. Both feet should reach the ground.',
		},
		{
			id: 'trade-in',
			question: 'Do you take my old bike in part exchange?',
			also: ['Sell my used bike to you', 'How much is my old bicycle worth?'],
			answer:
				'Yes, if it rides and has a frame number. Send three photos for an estimate; the price is fixed in the shop and comes off the new bike.',
		},
		{
			id: 'out-of-stock',
			question: 'The bike I want is out of stock. When will it be back?',
			also: ['My size is sold out, when do you get more?', 'Notify me when it is available again'],
			answer:
				'The date of the next delivery stands under the size. Choose Tell me and we email you an hour before it goes on sale; a £50 deposit reserves one.',
		},
		{
			id: 'second-hand',
			question: 'Do you sell second-hand bikes?',
			also: ['Used or refurbished bikes for sale', 'Buy a pre-owned bicycle'],
			answer:
				'Yes, under Renewed: ex-rental and traded-in bikes, stripped, rebuilt and sold with a one-year warranty. New ones go online on Thursdays.',
		},
	],
}
