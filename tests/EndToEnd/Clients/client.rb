# What kubeclient for Ruby does in daily life: create, update, patch, meet errors, apply, list, watch while all that happens.
require 'kubeclient'
config = Kubeclient::Config.read(ENV.fetch('KUBECONFIG'))
context = config.context
core = Kubeclient::Client.new(context.api_endpoint, 'v1', ssl_options: context.ssl_options, auth_options: context.auth_options)
apps = Kubeclient::Client.new("#{context.api_endpoint}/apis/apps", 'v1', ssl_options: context.ssl_options, auth_options: context.auth_options)
ns = ARGV[0]
seen = Queue.new
watch = core.watch_config_maps(namespace: ns, resource_version: core.get_config_maps(namespace: ns).resourceVersion)
thread = Thread.new { watch.each { |e| next if e.object.metadata.name != 'a'; seen << e.type; break if e.type == 'DELETED' } }
map = core.create_config_map(Kubeclient::Resource.new(metadata: { name: 'a', namespace: ns }, data: { x: '1' }))
puts "created #{map.metadata.name} #{map.data.x}"
map.data.x = '2'
puts "updated #{core.update_config_map(map).data.x}"
puts "merge-patched #{core.merge_patch_config_map('a', { data: { y: '3' } }, ns).data.to_h.inspect}"
begin
  core.update_config_map(map)
rescue Kubeclient::HttpError => e
  puts "#{e.error_code} #{e.message.include?('the object has been modified')}"
end
begin
  core.get_pod('nope', ns)
rescue Kubeclient::ResourceNotFoundError => e
  puts "#{e.error_code} #{e.message}"
end
deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: ns }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } }
puts "applied #{apps.apply_deployment(deployment, field_manager: 'ruby', force: true).metadata.managedFields.map(&:manager).inspect}"
puts "listed #{apps.get_deployments(namespace: ns, label_selector: '').map { |d| d.metadata.name }.inspect}"
core.delete_config_map('a', ns)
thread.join(60)
puts Array.new(seen.size) { seen.pop }.join(' ')
