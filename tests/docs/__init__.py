"""Laws of the documents: what they tell people to type works, in order."""
