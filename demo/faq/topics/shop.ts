import type { Topic } from '../entry.ts'

export const shop: Topic = {
	id: 'shop',
	name: 'Shop, rental and account',
	entries: [
		{
			id: 'opening-hours',
			question: 'What are your opening hours?',
			also: ['When are you open?', 'Are you open on Sundays?', 'What time do you close?'],
			answer:
				'Tuesday to Friday 9 to 6, Thursday until 8, Saturday 9 to 5. The workshop opens an hour earlier. Closed on Sundays, Mondays and bank holidays.',
		},
		{
			id: 'location',
			question: 'Where is the shop, and is there parking?',
			also: ['What is your address?', 'How do I find you?', 'Can I park near your shop?'],
			answer:
				'At the Old Sluice, 4 Weir Lane, Ouseby, ten minutes on foot from the station. Two loading bays are in front, bike stands at the door.',
		},
		{
			id: 'rental',
			question: 'Can I rent a bike for a day or a weekend?',
			also: ['Hire a bike', 'Do you have rental bikes for visitors?'],
			answer:
				'Yes: hybrids £22 a day, gravel bikes £38, e-bikes £45, with helmet, lock and repair kit. Book online, bring photo ID and a card for the deposit.',
		},
		{
			id: 'group-rides',
			question: 'Do you organise group rides?',
			also: ['Can I join a club ride on Saturday?', 'Are there courses or events?'],
			answer:
				'Saturdays at 8 from the shop: 25 easy miles with a café stop, nobody is left behind. First Wednesday of the month, a maintenance evening with soup.',
		},
		{
			id: 'forgot-password',
			question: 'I forgot my password and cannot log in.',
			also: ['Reset my password', 'I cannot sign in to my account'],
			answer:
				'Choose Forgotten password on the sign-in page and we email you a link that works for an hour. No email? Look in spam, or under another address you may have used.',
		},
		{
			id: 'delete-account',
			question: 'How do I delete my account and my personal data?',
			also: ['Close my account', 'Erase the data you hold about me'],
			answer:
				'In your account under Privacy, choose Delete everything. It is gone within a day, except for invoices, which the law makes us keep for six years.',
		},
		{
			id: 'newsletter',
			question: 'How do I unsubscribe from your emails?',
			also: ['Stop sending me marketing emails', 'I get too many newsletters'],
			answer: 'By the link at the foot of each one, or in your account under Privacy. Order and workshop messages still reach you.',
		},
		{
			id: 'contact',
			question: 'How can I talk to a person?',
			also: ['What is your phone number?', 'I want to speak to someone', 'Customer service email'],
			answer:
				'Ring 01632 960 482 during opening hours or write to hello@weirandwheel.example; we answer within a working day. For anything that rattles, come by.',
		},
	],
}
