#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/report/page/land.json, the outlines of land behind maps in reports, from Natural Earth's countries at 1:110 million.

usage: update_land.py SHAPEFILE      naturalearth_lowres.shp of the Python package geopandas 0.14; needs shapely and pyshp

Countries are joined, so that borders do not show; outlines keep to a fifth of a degree, less than a pixel of a map as wide as a page.
"""
import json
import pathlib
import sys

import shapefile
import shapely

PAGE_FILE = pathlib.Path(__file__).resolve().parent.parent / "src/report/page/land.json"
TOLERANCE_DEGREES = 0.2
SMALLEST_SQUARE_DEGREES = 0.3


def outlines(path: str) -> list[list[int]]:
    """Rings of land, each as longitude, latitude, longitude, ... in tenths of a degree, largest first."""
    countries = [shapely.geometry.shape(record.__geo_interface__).buffer(0.01) for record in shapefile.Reader(path).shapes()]
    land = shapely.union_all(countries).simplify(TOLERANCE_DEGREES)
    parts = sorted((part for part in land.geoms if part.area > SMALLEST_SQUARE_DEGREES), key=lambda part: -part.area)
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    return [[round(10 * degrees) for point in ring.coords[:-1] for degrees in point] for ring in rings]


def main() -> None:
    rings = outlines(sys.argv[1])
    source = "Natural Earth at 1:110 million (naturalearthdata.com), public domain, simplified"
    lines = ",\n".join(json.dumps(ring, separators=(",", ":")) for ring in rings)
    PAGE_FILE.write_text(f'{{"source": {json.dumps(source)}, "tenths_of_a_degree": [\n{lines}\n]}}\n')
    print(f"{PAGE_FILE.name}: {len(rings)} rings, {sum(map(len, rings)) // 2} points, {PAGE_FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
