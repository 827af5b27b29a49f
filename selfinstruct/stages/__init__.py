"""The stages of a round: propose, classify, answer. Each asks a model and reads its replies."""
