import type { Topic } from '../entry.ts'

export const workshop: Topic = {
	id: 'workshop',
	name: 'Workshop and repairs',
	entries: [
		{
			id: 'book-service',
			question: 'How do I book a repair or a service?',
			also: ['Make an appointment in the workshop', 'My bike needs fixing, when can I come?', 'Can a mechanic look at my bike this week?'],
			answer:
				'Online under Workshop: choose what is wrong, a day, and a drop-off time. In the season book a week ahead; punctures and brakes we do while you wait.',
		},
		{
			id: 'service-cost',
			question: 'How much does a bike service cost?',
			also: ['What do you charge for a repair?', 'Price of a tune-up or overhaul'],
			answer: 'Safety check £35, standard service £75, full strip-down £160, parts extra. We ring before we spend more than we said.',
		},
		{
			id: 'service-time',
			question: 'How long will my bike be in the workshop?',
			also: ['How many days does a repair take?', 'When is my repair finished?', 'Is my bike ready to pick up?'],
			answer:
				'Standard services are back the next working day, full ones after three. You get a text when it is done, and can follow the job from the link in it.',
		},
		{
			id: 'other-brands',
			question: 'Do you repair bikes that were not bought from you?',
			also: ['Do you service bikes of other makes?', 'I bought my bike elsewhere, will you fix it?'],
			answer: 'Gladly, any make and any age. The exceptions are self-built e-bike kits and frames with cracks in carbon.',
		},
		{
			id: 'service-interval',
			question: 'How often should a bike be serviced?',
			also: ['How frequently does my bike need maintenance?', 'When is the first inspection of a new bike due?'],
			answer:
				'Once a year or every 2,000 miles, and a new bike after its first 100: cables stretch and spokes settle. That first one is free.',
		},
		{
			id: 'pickup-service',
			question: 'Can you pick my bike up from home for repair?',
			also: ['Do you collect bikes from people’s houses?', 'I cannot bring my bike to the workshop'],
			answer: 'Within ten miles of the shop, on Tuesdays and Fridays, for £15 both ways. Choose Collect from home when you book.',
		},
		{
			id: 'loan-bike',
			question: 'Can I borrow a bike while mine is being repaired?',
			also: ['Courtesy bike during a repair', 'I need a replacement bike while you have mine'],
			answer:
				'Yes, free for repairs of more than two days. They are sturdy three-speeds with a lock and lights; ask when you book, we have eight.',
		},
	],
}
