"""The vocabulary list's single words: those of the captions, and for everyday words what comes near.

The table of everyday words is kept by hand. A word of it is listed only where the captions don't have it,
with those of its targets that they do have: the table may run ahead of the materials.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.models.vocabulary import FUNCTION_WORDS, Vocabulary, plain_words

# Targets, nearest first: words that people type instead of them. A word may stand in several rows; a target
# that the captions lack is itself such a word.
_NEAREST = """
black, stone: obsidian basalt onyx jet
black, dark grey: coal charcoal soot tar ash
asphalt, dark grey, stone: asphalt tarmac pavement road bitumen
concrete, stone, grey: concrete cement mortar stucco plaster
plaster, white, stone: plaster stucco chalk gypsum drywall
marble, white, stone: alabaster
slate, dark grey, stone: slate shale
stone, rough, rock: boulder cliff mountain rubble ruins flagstone rocks rocky craggy
gravel, cobblestone, stone: gravel pebble pebbles shingle grit
sandstone, stone: adobe limestone travertine
terrazzo, granite, speckled: terrazzo
marble, white: quartz quartzite
tiles, ceramic: porcelain enamel faience pottery china earthenware
tiles, mosaic: mosaic bathroom kitchen
roof tiles, tiles, bricks: roof shingles rooftop pantile thatched
roof tiles, terracotta, clay: mediterranean spanish
corrugated metal, metal plates, metal: container shed shack barn hangar tin zinc
clay, bricks, orange: terracotta
bricks: masonry brickwork chimney
bricks, stone: wall castle dungeon rampart building house
cracked earth, clay: mud soil dirt ground drought desert parched dried
earth, brown: soil dirt peat compost
sand, beige: dune dunes beach desert sandy
wood, planks: timber lumber plywood log logs parquet hardwood driftwood crate barrel
planks, boards: floorboards decking deck fence floor flooring pallet siding
oak, wood: teak ash elm hickory chestnut bamboo rattan
pine, wood: maple birch beech spruce fir cedar larch balsa
mahogany, wood: rosewood redwood sequoia cherrywood
ebony, wood: wenge
bark, wood, brown: bark trunk tree branch roots
wicker, basket, woven: wicker basket rattan reed straw thatch
metal, steel: aluminium aluminum tin titanium zinc metallic alloy tinfoil foil
iron, metal: cast wrought armour armor anvil
steel, metal: stainless robot machine sword blade
chrome, silver: mirror platinum nickel mercury reflective
silver, metal: sterling pewter
gold, polished gold: golden gilded gilt treasure
brass, gold: trumpet
copper, bronze: patina verdigris
rusty metal, rust: corroded oxidized oxidised corrosion corten scrap decayed
plastic, shiny plastic: vinyl acrylic resin polymer lego toy nylon pvc glossy
rubber, matte, black: latex silicone tyre tire
paint, plastic: painted lacquer lacquered varnish varnished coloured colored
glass, ice, light blue: glass crystal diamond transparent window
ice, blue: glacier icicle frost icy frosty frosted
snow, white: snowy blizzard frost ice
fabric, cloth: cotton linen silk satin velvet textile burlap hessian canvas curtain tweed felt polyester
fabric, woven: carpet rug tapestry sackcloth upholstery
wool, fabric: knit knitted yarn fleece cashmere fluffy
denim, jeans: jean
leather, brown: suede hide saddle boot boots
leather, cracked: crocodile alligator
camouflage, green and brown camouflage: camo army military soldier
grass, green: lawn turf meadow field leaves leaf foliage ivy plant plants hedge vegetation jungle forest
moss, green: lichen algae mold mould fungus swamp mossgrown overgrown
mossy, weathered: overgrown
lava, magma: volcano volcanic fire flame flames burning embers molten hell glowing
scales, leather, green: snake reptile lizard snakeskin crocodile
fur, brown: hair bear wolf fox dog teddy monkey
tiger, orange and black stripes: bengal
leopard, leopard print: cheetah jaguar panther lynx ocelot
zebra, black and white stripes: barcode
cow, cow hide: dalmatian holstein cattle bull
checkerboard, checkered: chess chessboard chequered gingham plaid tartan squares checks racing
stripes, striped: lines zigzag chevron bands candy awning pinstripes
vertical stripes, stripes: pinstripe pinstripes
polka dots, dots: circles dotted spotted bubbles confetti ladybird ladybug
spots, blotches: spotted splotches stains
patches, blotches: patchwork patchy
red: crimson scarlet vermilion ruby cherry blood carmine cardinal rose strawberry tomato apple
dark red, red: maroon burgundy wine garnet oxblood claret
orange: amber tangerine apricot pumpkin carrot coral peach salmon
yellow: lemon mustard canary banana honey saffron sunflower blond blonde
yellow, gold: ochre ocher
green: emerald jade lime olive viridian chartreuse malachite
dark green, green: forest pine hunter bottle
light green, green: mint pistachio lime pale sage
blue: cobalt sapphire ultramarine cerulean sky azure lapis denim
dark blue, blue: navy indigo midnight
light blue, blue: sky baby azure pastel
turquoise, teal: cyan aqua aquamarine teal
teal, blue: petrol cyan
purple: violet amethyst lavender lilac plum mauve grape aubergine eggplant
magenta, pink: fuchsia hotpink cerise
pink: rose salmon blush bubblegum flamingo
brown: chocolate coffee umber sienna sepia tawny caramel cinnamon hazel auburn
beige, light grey: cream ivory tan khaki ecru sand buff fawn vanilla skin bone
white: ivory pearl snowy blank milky bleached cloud paper
grey: gunmetal pewter smoke cloudy dusty
dark grey, grey: graphite anthracite gunmetal
black: raven noir ink
black, dark grey: shadow night dark
light blue, white: pale bright pastel light
weathered, worn: aged ancient antique vintage distressed battered faded decayed ruined scratched shabby
dirty, weathered: grimy filthy muddy stained grubby dusty messy
old, worn: ancient medieval vintage antique historic
cracked, weathered: broken damaged crumbling shattered fractured
rusty, rusted: rusting corroded
polished, shiny: smooth glossy gleaming sleek mirrorlike glittering sparkling
matte, rough: dull bumpy coarse uneven
speckled, spots: freckled mottled flecked
large, big: huge giant wide
small, tiny: fine little mini
"""

# Said around the material in captions, or in nearly every prompt: harmless, and no suggestion.
_STOP_WORDS = """front side back top bottom view surface texture textured material pattern object photo
picture made covered colour color coloured colored style seamless tileable background"""


def spoken(
    knows: Iterable[str], hears: Iterable[str], spellings: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """The vocabulary list's keys about single words; see engine/models/vocabulary.py for their meaning.

    knows: texts whose words the model has learned to paint. hears: what captions put around them.
    spellings: (letters, the same spelt otherwise), both learned wherever the first occur.
    """
    stop = {*plain_words([*hears, _STOP_WORDS])} - FUNCTION_WORDS
    known = {*plain_words(knows)} - FUNCTION_WORDS - stop
    known |= {word.replace(one, other) for word in known for one, other in spellings}
    return {"words": sorted(known), "stop_words": sorted(stop), "synonyms": synonyms(known, stop)}


def synonyms(known: set[str], stop: set[str]) -> dict[str, list[str]]:
    """{word that the model doesn't know: the targets that it does, nearest first}."""
    vocabulary = Vocabulary(words=tuple(known), stop_words=tuple(stop))
    found: dict[str, list[str]] = {}
    for row in _NEAREST.strip().splitlines():
        targets, typed = (part.strip() for part in row.split(":"))
        usable = [t for t in targets.split(", ") if {*plain_words([t])} <= known | FUNCTION_WORDS]
        for word in (*typed.split(), *targets.split(", ")):
            if usable and vocabulary.unknown(word) == [word]:
                near = found.setdefault(word, [])
                near += [t for t in usable if t not in near]
    return {word: found[word] for word in sorted(found)}
