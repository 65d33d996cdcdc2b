// SPDX-License-Identifier: LGPL-2.1-or-later
/* esbuild gathers them into app.css. */
declare module '*.css';
