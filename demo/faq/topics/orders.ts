import type { Topic } from '../entry.ts'

export const orders: Topic = {
	id: 'orders',
	name: 'Orders and payment',
	entries: [
		{
			id: 'change-order',
			question: 'Can I change or cancel an order I have already placed?',
			also: [
				'I made a mistake in my order and want to correct it',
				'Cancel an order before it ships',
				'Add or remove an item from my order',
			],
			answer:
				'Yes, until we start packing it, usually two hours after you order. Open the order in your account and choose Change or Cancel. After that, let it arrive and send it back free of charge.',
		},
		{
			id: 'payment-methods',
			question: 'Which payment methods do you accept?',
			also: ['How can I pay?', 'Do you take credit cards, Apple Pay or PayPal?', 'Pay by cash or American Express'],
			answer:
				'Visa, Mastercard and American Express, PayPal, Apple Pay, Google Pay and bank transfer. In the shop also cash and our gift cards.',
		},
		{
			id: 'instalments',
			question: 'Can I pay in instalments?',
			also: ['Pay monthly, buy now and pay later', 'Do you offer finance or credit?', 'Split the price into several payments'],
			answer:
				'Yes, from £200, over 3, 6 or 12 months and without interest. Choose Pay monthly at checkout; the lender decides within a minute and checks your credit.',
		},
		{
			id: 'cycle-to-work',
			question: 'Can I buy a bike through my employer’s cycle to work scheme?',
			also: ['Bike lease through my company', 'Salary sacrifice scheme voucher'],
			answer:
				'Yes, we take the certificates of all the large schemes. Put the bike in your basket, ask for a quote, and send the certificate to schemes@weirandwheel.example.',
		},
		{
			id: 'discount-code',
			question: 'Why does my discount code not work?',
			also: ['My promotion code is not accepted at checkout', 'The coupon is invalid or expired'],
			answer:
				'Most codes cannot be combined with sale prices, and each works once per account. Check the date in the email it came with; if it should still work, send it to us and we will take the difference off by hand.',
		},
		{
			id: 'gift-card',
			question: 'Do you sell gift cards, and how long are they valid?',
			also: ['I want to buy a voucher as a present', 'How long can I use a gift voucher?'],
			answer:
				'Yes, from £10 to £1,000, by email or printed on card. They are valid for five years, online and in the shop, and can be spent in parts.',
		},
		{
			id: 'invoice',
			question: 'Where can I get an invoice or a VAT receipt?',
			also: ['I need a bill for my tax return', 'Download the receipt of my order'],
			answer:
				'In your account under Orders, as a PDF, as soon as the parcel has left us. Add a company name and VAT number there and it is made out anew.',
		},
	],
}
