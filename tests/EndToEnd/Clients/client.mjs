// What the JavaScript client does in daily life: write, patch in two ways, follow with an informer and with a bare watch, meet an error.
import * as k8s from '@kubernetes/client-node';

const namespace = process.argv[2];
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const name = 'cm';
const labels = { informed: 'yes' };

const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'informed=yes' });
const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'informed=yes');
const seen = [];
let told = () => {};
for (const event of ['add', 'update', 'delete']) informer.on(event, o => { seen.push(`${event}:${o.metadata.name}`); told(); });
informer.on('error', e => { if (e.type !== 'aborted') { console.log('informer failed:', e); process.exit(1); } });
await informer.start();
const until = async enough => { while (!enough()) await new Promise(resolve => { told = resolve; }); };

await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data: { a: '1' } } });
console.log('created', name);
await until(() => seen.includes('add:cm'));
const json = await core.patchNamespacedConfigMap({ namespace, name, body: [{ op: 'replace', path: '/data/a', value: '2' }] });
console.log('json patch', json.data.a);
await until(() => seen.includes('update:cm'));
const merge = await core.patchNamespacedConfigMap({ namespace, name, body: { data: { b: '3' } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
console.log('merge patch', JSON.stringify(merge.data));
await core.deleteNamespacedConfigMap({ namespace, name });
await until(() => seen.includes('delete:cm'));
console.log('informer', [...new Set(seen)].join(' '));
await informer.stop();

const watched = new Promise((resolve, reject) => {
    new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: 'metadata.name=cm2' },
        (type, o) => resolve([type, o.metadata.name]), e => { if (e) reject(e); });
});
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'cm2' } } });
console.log('watch', ...(await watched));
try { await core.readNamespacedPod({ namespace, name: 'nope' }); }
catch (e) { console.log(e.code, JSON.parse(e.body).reason); }
process.exit(0);
