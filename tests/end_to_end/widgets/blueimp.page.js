import $ from 'jquery';
import 'blueimp-file-upload';
import { endpoint, place, sent } from './place.js';

const input = place('input');
input.setAttribute('type', 'file');
$(input).fileupload({ url: endpoint, dataType: 'json', paramName: 'file', dropZone: $(document), done: sent });
