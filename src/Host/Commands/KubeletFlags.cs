using System.CommandLine;
using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Host.Settings;
using Hanbae.Kubelet.Eviction;

namespace Hanbae.Host.Commands;

/// <summary>Upstream's flags that stand for fields of its KubeletConfiguration: what they say has the last word, after all files.</summary>
/// <remarks>Those without a meaning here are taken all the same, as the fields are: command lines of others are to work.</remarks>
sealed class KubeletFlags
{
    /// <summary>How the words of a flag become a field's value.</summary>
    enum Form
    {
        Text, Number, Bool,
        /// <summary><c>a,b</c></summary>
        List,
        /// <summary><c>a=1,b=2</c></summary>
        Map,
        /// <summary><c>a&lt;1,b&lt;2</c></summary>
        Bounds,
        /// <summary><c>A=true,B=false</c></summary>
        Gates,
        /// <summary><c>key=value:Effect,key:Effect</c></summary>
        Taints,
        /// <summary><c>0:memory=1Gi,hugepages-2Mi=1Gi;1:…</c></summary>
        Reserved,
    }

    /// <summary>With a meaning for people where it is one of those that people give; the others are in upstream's documentation.</summary>
    static readonly (string Name, string Field, Form Form, string Meaning)[] s_all =
    [
        ("address", "address", Form.Text, "Address that the kubelet listens on (0.0.0.0: all of this machine's)."),
        ("cgroup-driver", "cgroupDriver", Form.Text, "cgroupfs or systemd."),
        ("cluster-dns", "clusterDNS", Form.List, "Addresses of the cluster's DNS."),
        ("cluster-domain", "clusterDomain", Form.Text, "Domain of the cluster's names (cluster.local)."),
        ("eviction-hard", "evictionHard", Form.Bounds, "When Pods have to go at once, such as memory.available<100Mi."),
        ("feature-gates", "featureGates", Form.Gates, "Such as MemoryQoS=true."),
        ("kube-reserved", "kubeReserved", Form.Map, "What is kept from Pods for Kubernetes, such as cpu=200m,memory=500Mi."),
        ("max-pods", "maxPods", Form.Number, "How many Pods may run here (110)."),
        ("pod-manifest-path", "staticPodPath", Form.Text, "A folder of Pods that run whether or not there is an API (manifests in the data folder)."),
        ("provider-id", "providerID", Form.Text, "What the machine is called by its provider."),
        ("register-node", "registerNode", Form.Bool, "Make the Node when it is not there (true)."),
        ("register-with-taints", "registerWithTaints", Form.Taints, "Taints of the Node when it is made, such as key=value:NoSchedule."),
        ("system-reserved", "systemReserved", Form.Map, "What is kept from Pods for the rest of the machine."),

        ("allowed-unsafe-sysctls", "allowedUnsafeSysctls", Form.List, ""), ("anonymous-auth", "authentication", Form.Bool, ""),
        ("authentication-token-webhook", "authentication", Form.Bool, ""), ("authentication-token-webhook-cache-ttl", "authentication", Form.Text, ""),
        ("authorization-mode", "authorization", Form.Text, ""), ("authorization-webhook-cache-authorized-ttl", "authorization", Form.Text, ""),
        ("authorization-webhook-cache-unauthorized-ttl", "authorization", Form.Text, ""), ("cgroup-root", "cgroupRoot", Form.Text, ""), ("cgroups-per-qos", "cgroupsPerQOS", Form.Bool, ""),
        ("client-ca-file", "authentication", Form.Text, ""), ("container-log-max-files", "containerLogMaxFiles", Form.Number, ""), ("container-log-max-size", "containerLogMaxSize", Form.Text, ""),
        ("contention-profiling", "enableContentionProfiling", Form.Bool, ""), ("cpu-cfs-quota", "cpuCFSQuota", Form.Bool, ""), ("cpu-cfs-quota-period", "cpuCFSQuotaPeriod", Form.Text, ""),
        ("cpu-manager-policy", "cpuManagerPolicy", Form.Text, ""), ("cpu-manager-policy-options", "cpuManagerPolicyOptions", Form.Map, ""),
        ("cpu-manager-reconcile-period", "cpuManagerReconcilePeriod", Form.Text, ""), ("enable-controller-attach-detach", "enableControllerAttachDetach", Form.Bool, ""),
        ("enable-debugging-handlers", "enableDebuggingHandlers", Form.Bool, ""), ("enable-server", "enableServer", Form.Bool, ""),
        ("enforce-node-allocatable", "enforceNodeAllocatable", Form.List, ""), ("event-burst", "eventBurst", Form.Number, ""), ("event-qps", "eventRecordQPS", Form.Number, ""),
        ("eviction-max-pod-grace-period", "evictionMaxPodGracePeriod", Form.Number, ""), ("eviction-minimum-reclaim", "evictionMinimumReclaim", Form.Map, ""),
        ("eviction-pressure-transition-period", "evictionPressureTransitionPeriod", Form.Text, ""), ("eviction-soft", "evictionSoft", Form.Bounds, ""),
        ("eviction-soft-grace-period", "evictionSoftGracePeriod", Form.Map, ""), ("fail-swap-on", "failSwapOn", Form.Bool, ""), ("file-check-frequency", "fileCheckFrequency", Form.Text, ""),
        ("hairpin-mode", "hairpinMode", Form.Text, ""), ("healthz-bind-address", "healthzBindAddress", Form.Text, ""), ("healthz-port", "healthzPort", Form.Number, ""),
        ("http-check-frequency", "httpCheckFrequency", Form.Text, ""), ("image-gc-high-threshold", "imageGCHighThresholdPercent", Form.Number, ""),
        ("image-gc-low-threshold", "imageGCLowThresholdPercent", Form.Number, ""), ("image-service-endpoint", "imageServiceEndpoint", Form.Text, ""),
        ("kernel-memcg-notification", "kernelMemcgNotification", Form.Bool, ""), ("kube-api-burst", "kubeAPIBurst", Form.Number, ""), ("kube-api-content-type", "contentType", Form.Text, ""),
        ("kube-api-qps", "kubeAPIQPS", Form.Number, ""), ("kube-reserved-cgroup", "kubeReservedCgroup", Form.Text, ""), ("kubelet-cgroups", "kubeletCgroups", Form.Text, ""),
        ("local-storage-capacity-isolation", "localStorageCapacityIsolation", Form.Bool, ""), ("log-flush-frequency", "logging", Form.Text, ""), ("logging-format", "logging", Form.Text, ""),
        ("make-iptables-util-chains", "makeIPTablesUtilChains", Form.Bool, ""), ("manifest-url", "staticPodURL", Form.Text, ""), ("manifest-url-header", "staticPodURLHeader", Form.Text, ""),
        ("max-open-files", "maxOpenFiles", Form.Number, ""), ("memory-manager-policy", "memoryManagerPolicy", Form.Text, ""), ("minimum-image-ttl-duration", "imageMinimumGCAge", Form.Text, ""),
        ("node-status-max-images", "nodeStatusMaxImages", Form.Number, ""), ("node-status-update-frequency", "nodeStatusUpdateFrequency", Form.Text, ""), ("oom-score-adj", "oomScoreAdj", Form.Number, ""),
        ("pod-max-pids", "podPidsLimit", Form.Number, ""), ("pods-per-core", "podsPerCore", Form.Number, ""), ("protect-kernel-defaults", "protectKernelDefaults", Form.Bool, ""),
        ("qos-reserved", "qosReserved", Form.Map, ""), ("read-only-port", "readOnlyPort", Form.Number, ""), ("registry-burst", "registryBurst", Form.Number, ""), ("registry-qps", "registryPullQPS", Form.Number, ""),
        ("reserved-cpus", "reservedSystemCPUs", Form.Text, ""), ("reserved-memory", "reservedMemory", Form.Reserved, ""), ("resolv-conf", "resolvConf", Form.Text, ""),
        ("rotate-certificates", "rotateCertificates", Form.Bool, ""), ("runtime-request-timeout", "runtimeRequestTimeout", Form.Text, ""), ("seccomp-default", "seccompDefault", Form.Bool, ""),
        ("serialize-image-pulls", "serializeImagePulls", Form.Bool, ""), ("streaming-connection-idle-timeout", "streamingConnectionIdleTimeout", Form.Text, ""), ("sync-frequency", "syncFrequency", Form.Text, ""),
        ("system-cgroups", "systemCgroups", Form.Text, ""), ("system-reserved-cgroup", "systemReservedCgroup", Form.Text, ""), ("tls-cert-file", "tlsCertFile", Form.Text, ""),
        ("tls-cipher-suites", "tlsCipherSuites", Form.List, ""), ("tls-min-version", "tlsMinVersion", Form.Text, ""), ("tls-private-key-file", "tlsPrivateKeyFile", Form.Text, ""),
        ("topology-manager-policy", "topologyManagerPolicy", Form.Text, ""), ("topology-manager-policy-options", "topologyManagerPolicyOptions", Form.Map, ""),
        ("topology-manager-scope", "topologyManagerScope", Form.Text, ""), ("vmodule", "logging", Form.Text, ""), ("volume-plugin-dir", "volumePluginDir", Form.Text, ""),
        ("volume-stats-agg-period", "volumeStatsAggPeriod", Form.Text, ""),
    ];

    readonly (string Field, Form Form, Option<string[]> Option)[] _options =
    [
        .. s_all.Select(f => (f.Field, f.Form, new Option<string[]>("--" + f.Name)
        {
            // Nothing is a word too: of --fail-swap-on it is true, of --eviction-hard= it is none at all.
            Description = f.Meaning, Hidden = f.Meaning.Length == 0, Arity = ArgumentArity.ZeroOrMore,
        })),
    ];

    /// <summary>Fields that flags stand for.</summary>
    internal static IEnumerable<string> Fields => s_all.Select(f => f.Field).Distinct();

    public void AddTo(Command command)
    {
        foreach (var (_, _, option) in _options) command.Options.Add(option);
    }

    /// <returns>The fields that were given.</returns>
    /// <exception cref="SettingsException">What was given is no value of its kind.</exception>
    public JsonObject Read(ParseResult parsed)
    {
        var fields = JsonObject.Empty;
        foreach (var (field, form, option) in _options)
            if (parsed.GetResult(option) is { Implicit: false }) fields = fields.With(field, Value(option.Name, form, parsed.GetValue(option) ?? []));
        return fields;
    }

    /// <param name="given">As often as the flag was given: lists go on, of others the last counts.</param>
    static JsonValue Value(string flag, Form form, string[] given)
    {
        string last = given.Length > 0 ? given[^1] : "";
        return form switch
        {
            Form.Number => long.TryParse(last, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw new SettingsException($"{flag} {last} is no number"),
            Form.Bool => Bool(flag, given.Length > 0 ? last : "true"),
            Form.List => JsonArray.Of([.. Words().Select(w => (JsonValue)w)]),
            Form.Map => Pairs('=', v => v),
            // None at all is what somebody wants: without a word the usual ones hold.
            Form.Bounds => Words().Any() || flag != "--eviction-hard" ? Pairs('<', v => v) : JsonObject.Of([.. Threshold.Defaults.Select(t => (t.Signal, (JsonValue)"0%"))]),
            Form.Gates => Pairs('=', v => Bool(flag, v)),
            Form.Taints => JsonArray.Of([.. Words().Select(w => Taint(flag, w))]),
            Form.Reserved => JsonArray.Of([.. given.SelectMany(g => g.Split(';', StringSplitOptions.RemoveEmptyEntries)).Select(w => Reserved(flag, w))]),
            _ => last,
        };

        IEnumerable<string> Words() => given.SelectMany(g => g.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        JsonObject Pairs(char between, Func<string, JsonValue> value) => KubeletFlags.Pairs(flag, Words(), between, value);
    }

    static JsonObject Pairs(string flag, IEnumerable<string> words, char between, Func<string, JsonValue> value)
    {
        var all = JsonObject.Empty;
        foreach (string word in words)
            all = word.Split(between, 2, StringSplitOptions.TrimEntries) is [var name, var said] ? all.With(name, value(said))
                : throw new SettingsException($"{flag}: malformed pair, expect string{between}string: {word}");
        return all;
    }

    static JsonValue Bool(string flag, string word) => word switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new SettingsException($"{flag} {word} is neither true nor false"),
    };

    static JsonValue Taint(string flag, string word)
    {
        if (word.Split(':') is not [var left, var effect]) throw new SettingsException($"{flag}: invalid taint spec: {word}");
        if (effect is not ("NoSchedule" or "PreferNoSchedule" or "NoExecute")) throw new SettingsException($"{flag}: invalid taint effect: {effect}, unsupported taint effect");
        string[] parts = left.Split('=');
        var taint = JsonObject.Of(("key", parts[0]), ("effect", effect));
        if (parts.Length > 2) throw new SettingsException($"{flag}: invalid taint spec: {word}");
        if (LabelSyntax.KeyErrors(parts[0]) is { Count: > 0 } key) throw new SettingsException($"{flag}: invalid taint spec: {word}, {string.Join("; ", key)}");
        if (parts.Length == 1) return taint;
        return LabelSyntax.ValueErrors(parts[1]) is { Count: > 0 } value ? throw new SettingsException($"{flag}: invalid taint spec: {word}, {string.Join("; ", value)}") : taint.With("value", parts[1]);
    }

    static JsonValue Reserved(string flag, string word) =>
        word.Split(':', 2) is [var node, var limits] && long.TryParse(node, NumberStyles.None, CultureInfo.InvariantCulture, out long numa)
            ? JsonObject.Of(("numaNode", numa), ("limits", Pairs(flag, limits.Split(',', StringSplitOptions.RemoveEmptyEntries), '=', v => v)))
            : throw new SettingsException($"{flag}: the reserved memory has incorrect format, expected numaNodeID:type=quantity[,type=quantity...], got {word}");
}
