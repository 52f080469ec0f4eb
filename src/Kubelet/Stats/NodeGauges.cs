using System.Security.Cryptography.X509Certificates;
using Hanbae.Kubelet.Images;
using Hanbae.Kubelet.Plugins;
using Hanbae.Kubelet.Pods;
using Hanbae.Machinery.Figures;

namespace Hanbae.Kubelet.Stats;

/// <summary>What the kubelet is at the moment, under upstream's names.</summary>
static class NodeGauges
{
    public static void Render(PrometheusText text, KubeletOptions options, IReadOnlyCollection<PodWorker> workers, ImagePuller images, PluginWatch plugins, TimeProvider time)
    {
        One("kubelet_cgroup_version", "Which cgroups the machine has.", File.Exists(Path.Combine(options.CgroupMount, "cgroup.controllers")) ? 2 : 1);
        One("kubelet_managed_ephemeral_containers", "Ephemeral containers of all Pods.", workers.Sum(w => w.Pod.Spec.EphemeralContainers.Count));
        text.Family("kubelet_metrics_provider", "gauge", "[ALPHA] Where figures of containers come from.").Sample("kubelet_metrics_provider", PrometheusText.Labels(("provider", "cadvisor")), 1);
        if (images.Records?.OnDisk() is var (intents, records))
        {
            One("kubelet_imagemanager_ondisk_pulledrecords", "Images of which it is known how they were pulled.", records);
            One("kubelet_imagemanager_ondisk_pullintents", "Pulls that go on or were broken off.", intents);
        }
        if (images.Providers is { } providers)
            text.Family("kubelet_credential_provider_config_info", "gauge", "[ALPHA] Always 1; the label says which configuration of credential providers is in force.")
                .Sample("kubelet_credential_provider_config_info", PrometheusText.Labels(("hash", providers.Hash)), 1);
        Certificate("kubelet_certificate_manager_client_ttl_seconds", "the certificate by which the kubelet asks", options.ClientCertificate);
        Certificate("kubelet_certificate_manager_server_ttl_seconds", "the certificate by which the kubelet serves", options.CurrentServingCertificate);
        if (plugins.Sockets is { Count: > 0 } sockets)
        {
            text.Family("plugin_manager_total_plugins", "gauge", "[ALPHA] Plugins by socket, and whether they are there or taken in.");
            foreach (var (path, registered) in sockets)
            {
                if (registered) text.Sample("plugin_manager_total_plugins", PrometheusText.Labels(("socket_path", path), ("state", "actual_state_of_world")), 1);
                text.Sample("plugin_manager_total_plugins", PrometheusText.Labels(("socket_path", path), ("state", "desired_state_of_world")), 1);
            }
        }

        void One(string name, string help, double value) => text.Plain(name, "gauge", "[ALPHA] " + help, value);

        void Certificate(string name, string what, Func<X509Certificate2?>? certificate)
        {
            if (certificate is null) return;
            One(name, $"Seconds that {what} is still good for; +Inf without one.", certificate() is { } now
                ? Math.Truncate((now.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime).TotalSeconds) : double.PositiveInfinity);
        }
    }
}
