performance.mark('end');
