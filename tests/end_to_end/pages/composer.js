// A composer of the kind that social sites have: one delegated handler at the root, an input that is never attached, a drop zone.
const zone = document.getElementById('zone');
const post = document.getElementById('post');
let files = [];

function choose(list) {
  files = Array.from(list);
  if (!files.length) return;
  document.getElementById('preview').replaceChildren(...files.map((file) => {
    const image = new Image();
    image.src = URL.createObjectURL(file);
    return image;
  }));
  post.disabled = false;
}

const actions = {
  photo() {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = 'image/*';
    input.multiple = true;
    input.onchange = (event) => choose(event.target.files);
    input.click();
  },
  async post() {
    post.disabled = true;
    await send.fetch(files);
    const entry = document.createElement('article');
    entry.className = 'post';
    entry.innerHTML = '<span class="face">A</span><div style="flex:1"><strong>Alex</strong><p></p></div>';
    entry.querySelector('p').textContent = document.querySelector('textarea').value;
    entry.querySelector('div').append(...document.getElementById('preview').children);
    document.getElementById('feed').prepend(entry);
    document.title = 'Posted';
  },
};

// As React does it: every event of the tree is heard at the root.
document.getElementById('root').addEventListener('click', (event) => actions[event.target.id]?.());
zone.addEventListener('dragover', (event) => { event.preventDefault(); zone.classList.add('over'); });
zone.addEventListener('dragleave', () => zone.classList.remove('over'));
zone.addEventListener('drop', (event) => {
  event.preventDefault();
  zone.classList.remove('over');
  choose(event.dataTransfer.files);
});
