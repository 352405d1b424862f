"""x"""
SEEDS_MAX=40
def main(**k): return 0
