"""EC2's networking, as far as moto accepts what AWS refuses."""
