// An address at which there is nothing.

import {el} from './dom.js';
import {page} from './page.js';

page(async () =>
  el('p', {class: 'panel'}, 'There is no page at this address. The search above finds runs by all their names.'),
);
