// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a terminal would make of a program's escape sequences, as far as colours go.
 *
 * A style is a number of ours: five bits of foreground, five of background, and flags. Whatever colour a
 * program asks for becomes one of 28 that can be read on either ground (code/console.css), so that nothing a
 * worker says ever is part of a style sheet, and nothing it prints is invisible.
 *
 *   0         the console's own
 *   1 .. 16   the terminal's sixteen: black to white, then the bright ones
 *   17 .. 28  hues, 30 degrees each, of 256 and true colours
 */

export const PLAIN = 0;
export const BOLD = 1 << 10;
export const DIM = 1 << 11;
export const ITALIC = 1 << 12;
export const UNDERLINE = 1 << 13;
export const INVERSE = 1 << 14;
export const STRIKE = 1 << 15;

const COLOUR = 31;
const BACKGROUND_SHIFT = 5;
const FIRST_HUE = 17;

export function foreground(style: number): number {
  return style & COLOUR;
}

export function background(style: number): number {
  return (style >> BACKGROUND_SHIFT) & COLOUR;
}

function withColour(style: number, colour: number, ground: boolean): number {
  return ground
    ? (style & ~(COLOUR << BACKGROUND_SHIFT)) | (colour << BACKGROUND_SHIFT)
    : (style & ~COLOUR) | colour;
}

/* 0 to 255 each. */
export function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  if (spread < 40)
    return most < 64 ? 1 : most < 144 ? 9 : most < 224 ? 8 : 16;
  const turn =
    most === red ? (green - blue) / spread : most === green ? (blue - red) / spread + 2 : (red - green) / spread + 4;
  return FIRST_HUE + ((Math.round(turn * 2) + 12) % 12);
}

/* Of the 256: sixteen, a cube of six a side, and greys. */
function indexed(index: number): number {
  if (!(index >= 0 && index < 256))
    return 0;
  if (index < 16)
    return index + 1;
  if (index >= 232) {
    const grey = (index - 232) * 10 + 8;
    return nearest(grey, grey, grey);
  }
  const level = (step: number) => (step === 0 ? 0 : step * 40 + 55);
  const at = index - 16;
  return nearest(level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6));
}

const FLAGS: Record<number, number> = { 1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: INVERSE, 9: STRIKE };
const ENDS: Record<number, number> = {
  22: BOLD | DIM, 23: ITALIC, 24: UNDERLINE, 27: INVERSE, 29: STRIKE,
};

/* The style after "\x1b[" + parameters + "m". */
export function restyle(style: number, parameters: string): number {
  /* The colons of ISO 8613-6 are read as semicolons; "38:2::R:G:B" has an empty place of its own. */
  const codes = parameters.replace(/([34]8:2):(?:\d*):(\d+:\d+:\d+)/g, '$1:$2').split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    const bright = code >= 90 ? 8 : 0;
    if (code === 0)
      style = PLAIN;
    else if (code in FLAGS)
      style |= FLAGS[code];
    else if (code in ENDS)
      style &= ~ENDS[code];
    else if ((code === 38 || code === 48) && codes[i + 1] === 5) {
      style = withColour(style, indexed(codes[i + 2]), code === 48);
      i += 2;
    } else if ((code === 38 || code === 48) && codes[i + 1] === 2) {
      style = withColour(style, nearest(codes[i + 2] || 0, codes[i + 3] || 0, codes[i + 4] || 0), code === 48);
      i += 4;
    } else if (code === 39 || code === 49)
      style = withColour(style, 0, code === 49);
    else if ((code >= 30 && code < 38) || (code >= 90 && code < 98))
      style = withColour(style, (code % 10) + 1 + bright, false);
    else if ((code >= 40 && code < 48) || (code >= 100 && code < 108))
      style = withColour(style, (code % 10) + 1 + bright, true);
  }
  return style;
}
