import type { Topic } from '../entry.ts'

export const returns: Topic = {
	id: 'returns',
	name: 'Returns and warranty',
	entries: [
		{
			id: 'return-item',
			question: 'How do I return something I bought?',
			also: ['What is your return policy?', 'I want to send something back', 'How many days do I have to return an item?'],
			answer:
				'Within 60 days, unused, with the label still on: print the return slip from your account, or bring it to the shop. Sending it back costs you nothing.',
		},
		{
			id: 'refund-time',
			question: 'When do I get my money back after a return?',
			also: ['My refund has not arrived', 'How long does a refund take?'],
			answer:
				'We check returns within two working days and refund at once, to the card or account you paid with. Your bank may take another three days to show it.',
		},
		{
			id: 'exchange-size',
			question: 'Can I exchange clothing or shoes for another size?',
			also: ['These trousers are too small, I need a bigger size', 'Swap gloves or a helmet for another size'],
			answer:
				'Yes, free both ways. Choose Exchange on the return slip and we send the other size as soon as the carrier has scanned yours.',
		},
		{
			id: 'test-ride-return',
			question: 'Can I ride a new bike and still return it?',
			also: ['What if I do not like my new bike?', 'Return a bike that has been used'],
			answer:
				'Yes: 30 days to ride it, on the road and in the dry. If it is clean and undamaged you get the full price back, less £40 for making it as new.',
		},
		{
			id: 'warranty',
			question: 'How long is the warranty on frames and parts?',
			also: ['How many years of guarantee do I get?', 'Is my frame still covered?', 'What does the guarantee cover?'],
			answer:
				'Frames and forks: ten years for the first owner. Parts and electrics: two years. Tyres, chains, pads and cables wear out and are covered for faults only.',
		},
		{
			id: 'warranty-claim',
			question: 'Something broke. How do I make a warranty claim?',
			also: ['A part of my bike failed, who do I contact?', 'Report a defect or a fault', 'My bike broke soon after I bought it'],
			answer:
				'Send photos and your order number to warranty@weirandwheel.example or bring the bike in. You hear from us within two working days, and we lend you a bike if yours must stay.',
		},
		{
			id: 'crash',
			question: 'Do you replace a frame after a crash?',
			also: ['I had an accident and the frame is damaged', 'Crash replacement for a bent or cracked frame'],
			answer:
				'Crashes are not a warranty case, but for six years you get a replacement frame at half price, and moving the parts across is free.',
		},
	],
}
