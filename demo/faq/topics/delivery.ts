import type { Topic } from '../entry.ts'

export const delivery: Topic = {
	id: 'delivery',
	name: 'Delivery and collection',
	entries: [
		{
			id: 'track-parcel',
			question: 'Where is my parcel and how do I track it?',
			also: ['Has my order been sent?', 'Tracking number of my shipment', 'My package has not come yet'],
			answer:
				'The dispatch email has a tracking link; the same link stands in your account under Orders. It shows its first scan on the evening of dispatch.',
		},
		{
			id: 'delivery-time',
			question: 'How long does delivery take?',
			also: ['When will my order arrive?', 'How many days until I get my bike?', 'How fast do you ship?'],
			answer:
				'Parts and clothing: one to two working days. Bikes: three to five, because each one is built, ridden and adjusted here before it is packed.',
		},
		{
			id: 'delivery-cost',
			question: 'How much does shipping cost?',
			also: ['Is delivery free?', 'What do postage and packing cost?', 'Delivery charge for a bike'],
			answer:
				'Free from £50, otherwise £3.95. A boxed bike costs £25 to send, whatever its price. Collecting from the shop is always free.',
		},
		{
			id: 'delivery-abroad',
			question: 'Do you deliver to other countries?',
			also: ['International shipping', 'Do you send bikes to Ireland, France or Germany?', 'Customs and duties on orders from abroad'],
			answer:
				'To Ireland and all of the EU, duties included in the price you see. Bikes go to Ireland, France, Germany and the Benelux countries. We do not ship batteries overseas.',
		},
		{
			id: 'change-address',
			question: 'Can I change the delivery address?',
			also: ['My order is going to the wrong address', 'I have moved since I ordered', 'Have the parcel left with a neighbour'],
			answer:
				'Until the parcel is packed: open the order and choose Change address. After dispatch, the carrier’s tracking page lets you send it to a neighbour or a parcel shop.',
		},
		{
			id: 'collect',
			question: 'Can I order online and collect from the shop?',
			also: ['Click and collect', 'Pick up my order in the store'],
			answer:
				'Yes. What is on our shelves is ready within two hours, the rest the next working day. We text you when it is here and keep it for ten days.',
		},
		{
			id: 'damaged-parcel',
			question: 'My parcel arrived damaged or something is missing. What now?',
			also: ['The box was broken when it arrived', 'An item is missing from my package', 'I received the wrong article'],
			answer:
				'Sorry. Send us a photo of the box and the contents within three days and we dispatch the replacement at once; you need not send anything back first.',
		},
		{
			id: 'bike-arrives',
			question: 'Does the bike come assembled, and what do I have to do myself?',
			also: ['Do I need tools to build up a new bike?', 'Is the bike ready to ride when delivered?'],
			answer:
				'It is nine-tenths built. You straighten the handlebar, fit the pedals and pump the tyres: about fifteen minutes with the tools in the box.',
		},
	],
}
