using System.Globalization;
using System.Net;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Kubelet.Placement;
using Hanbae.Kubelet.Placement.Cpus;
using Hanbae.Kubelet.Placement.Memory;
using Hanbae.Machinery.Patch;
using Hanbae.Machinery.Yaml;

namespace Hanbae.Kubelet.Configuration;

/// <summary>Reads upstream's <c>KubeletConfiguration</c>, as far as it is this kubelet's to decide, into its settings.</summary>
/// <remarks>A field that upstream has not is an error, since a misspelt setting must not be a silent one; fields that the program decides by itself are told of.</remarks>
public static class KubeletConfiguration
{
    const string Version = "kubelet.config.k8s.io/v1beta1";
    /// <summary>What all Pods' cgroup is called, beneath the root.</summary>
    internal const string PodCgroups = "/kubepods";

    /// <summary>Upstream's fields that nothing here asks for.</summary>
    static readonly string[] s_elsewhere =
    [
        "authentication", "authorization", "cgroupsPerQOS", "containerLogMaxWorkers", "contentType",
        "enableContentionProfiling", "enableControllerAttachDetach", "enableDebugFlagsHandler", "enableProfilingHandler", "enableServer", "eventBurst",
        "eventRecordQPS", "hairpinMode", "httpCheckFrequency", "imageServiceEndpoint",
        "iptablesDropBit", "iptablesMasqueradeBit", "kernelMemcgNotification", "kubeAPIBurst", "kubeAPIQPS", "kubeletCgroups", "localStorageCapacityIsolation", "logging", "makeIPTablesUtilChains", "maxOpenFiles",
        "nodeStatusMaxImages", "oomScoreAdj", "podsPerCore", "protectKernelDefaults",
        "registryBurst", "registryPullQPS", "rotateCertificates", "runOnce", "runtimeRequestTimeout", "serverTLSBootstrap", "showHiddenMetricsForVersion", "staticPodURL",
        "staticPodURLHeader", "streamingConnectionIdleTimeout", "tlsCipherSuites", "tlsCurvePreferences", "tlsMinVersion", "tracing",
    ];

    /// <summary>Fields in which an empty value is a word of its own. Everywhere else it is what Go writes for what nobody said (files of kubeadm are full of it), and means the default.</summary>
    static readonly string[] s_emptyCounts = ["healthzPort", "imageGCHighThresholdPercent", "imageGCLowThresholdPercent", "resolvConf", "podPidsLimit", "evictionMaxPodGracePeriod", "staticPodPath"];

    static readonly string[] s_eviction = ["evictionHard", "evictionSoft", "evictionSoftGracePeriod", "evictionMinimumReclaim", "mergeDefaultEvictionSettings"];

    /// <param name="given">What holds for all that the file does not say.</param>
    /// <returns>The settings, and the fields of the file that change nothing.</returns>
    /// <exception cref="FormatException">What is wrong with it, and where.</exception>
    public static (KubeletOptions Options, Seq<string> Unused) Read(string yaml, KubeletOptions given) => Read([("", yaml)], given);

    /// <param name="files">By name: each has the last word on what it says, lists as a whole, objects and maps member by member.</param>
    /// <param name="flags">Fields as the command line says them, after all files: each as a whole, but for feature gates, of which each counts by itself.</param>
    /// <inheritdoc cref="Read(string, KubeletOptions)"/>
    public static (KubeletOptions Options, Seq<string> Unused) Read(IEnumerable<(string Name, string Yaml)> files, KubeletOptions given, JsonObject? flags = null)
    {
        var root = JsonObject.Empty;
        foreach (var (name, yaml) in files)
        {
            try
            {
                var one = Root(yaml);
                Settled(one, given); // each has to be right by itself
                root = (JsonObject)MergePatch.Apply(root, one);
            }
            catch (FormatException e) when (name.Length > 0) { throw new FormatException($"{name}: {e.Message}", e); }
        }
        foreach (var (name, value) in flags ?? JsonObject.Empty) root = root.With(name, name == "featureGates" ? MergePatch.Apply(root[name] ?? JsonNull.Instance, value) : value);
        var (options, unused) = Settled(root, given);
        Check(options);
        return (options, unused);
    }

    /// <param name="path">A <c>CredentialProviderConfig</c>, or a folder of such.</param>
    /// <exception cref="FormatException">What is wrong with it.</exception>
    /// <exception cref="IOException"/>
    public static void CheckCredentialProviders(string path) => Images.CredentialProvider.Load(path);

    static JsonObject Root(string yaml)
    {
        JsonValue read;
        try { read = YamlReader.Read(yaml); }
        catch (YamlException e) { throw new FormatException(e.Message, e); }
        if (read is not JsonObject root) throw new FormatException("the kubelet's configuration is no object");
        if (ConfigurationValues.Text(root["kind"], "kind") != "KubeletConfiguration" || ConfigurationValues.Text(root["apiVersion"], "apiVersion") != Version)
            throw new FormatException($"no kind \"{root["kind"]}\" is registered for version \"{root["apiVersion"]}\"; want KubeletConfiguration of {Version}");
        return root;
    }

    static (KubeletOptions Options, Seq<string> Unused) Settled(JsonObject root, KubeletOptions given)
    {
        var (options, unused) = (given, new List<string>());
        if (root["serializeImagePulls"] is JsonBool { Value: true } && root["maxParallelImagePulls"] is JsonNumber most && ConfigurationValues.Number(most, "maxParallelImagePulls") > 1)
            throw new FormatException($"invalid configuration: maxParallelImagePulls {most} cannot be larger than 1 unless SerializeImagePulls is set to false");
        // How many at once has the last word on whether at once.
        foreach (var (name, value) in root.OrderBy(m => m.Name == "maxParallelImagePulls"))
        {
            if (value is JsonNull || name is "kind" or "apiVersion" || s_eviction.Contains(name)) continue;
            if (Field(name) is { } field) options = IsEmpty(name, value) ? options : field(options, value);
            else if (s_elsewhere.Contains(name)) unused.Add(name);
            else throw new FormatException($"strict decoding error: unknown field \"{name}\"");
        }
        // Who looks more often tells more often, as upstream has it for files that are older than the difference.
        if (Says("nodeStatusUpdateFrequency") && !Says("nodeStatusReportFrequency")) options = options with { StatusReportPeriod = options.StatusUpdatePeriod };
        // Alpha upstream: what fails is started again sooner.
        if (options.FeatureGates["ReduceDefaultCrashLoopBackOffDecay"])
            options = options with { RestartBackoff = TimeSpan.FromSeconds(1), RestartBackoffMax = root["crashLoopBackOff"] is JsonObject { Count: > 0 } ? options.RestartBackoffMax : TimeSpan.FromMinutes(1) };
        if (s_eviction.Any(root.Contains)) options = options with { Eviction = EvictionFields.Read(root) };
        return (options, unused.ToSeq());

        bool Says(string name) => root[name] is { } value and not JsonNull && !IsEmpty(name, value);
    }

    static bool IsEmpty(string name, JsonValue value) => !s_emptyCounts.Contains(name) && value switch
    {
        JsonString text => text.Value.Length == 0 || text.Value == "0s",
        JsonNumber number => number.ToString() == "0",
        _ => false,
    };

    static Func<KubeletOptions, JsonValue, KubeletOptions>? Field(string name)
    {
        string Text(JsonValue v) => ConfigurationValues.Text(v, name);
        int Int(JsonValue v) => (int)ConfigurationValues.Number(v, name);
        TimeSpan Time(JsonValue v) => ConfigurationValues.Time(v, name);
        int Port(JsonValue v) => Int(v) is >= 0 and <= 65535 and var port ? port : throw new FormatException($"invalid configuration: {name} {v} must be between 0 and 65535, inclusive");
        return name switch
        {
            "staticPodPath" => (o, v) => o with { StaticPodPath = Text(v) },
            "volumePluginDir" => (o, v) => o with { Helpers = o.Helpers with { FlexDrivers = Text(v) } },
            "syncFrequency" => (o, v) => o with { SyncPeriod = Time(v) },
            "configMapAndSecretChangeDetectionStrategy" => (o, v) => o with
            {
                WatchesObjects = Text(v) switch { "Watch" => true, "Cache" or "Get" => false, var other => throw new FormatException($"unknown configmap and secret manager mode: {other}") },
            },
            "fileCheckFrequency" => (o, v) => o with { StaticPodPeriod = Time(v) },
            "clusterDomain" => (o, v) => o with { ClusterDomain = Text(v) },
            "clusterDNS" => (o, v) => o with { ClusterDns = ConfigurationValues.Texts(v, name) },
            "nodeStatusUpdateFrequency" => (o, v) => o with { StatusUpdatePeriod = Time(v) },
            "nodeStatusReportFrequency" => (o, v) => o with { StatusReportPeriod = Time(v) },
            "nodeLeaseDurationSeconds" => (o, v) => o with { LeaseDuration = TimeSpan.FromSeconds(Int(v)) },
            "imageMinimumGCAge" => (o, v) => o with { ImageMinimumAge = Time(v) },
            "imageMaximumGCAge" => (o, v) => o with { ImageMaximumAge = Time(v) },
            "imageGCHighThresholdPercent" => (o, v) => o with { ImageHighPercent = Int(v) },
            "imageGCLowThresholdPercent" => (o, v) => o with { ImageLowPercent = Int(v) },
            "containerRuntimeEndpoint" => (o, v) => o with { RuntimeEndpoint = Text(v) },
            "cgroupRoot" => (o, v) => Text(v).StartsWith('/') ? o with { CgroupRoot = Text(v).TrimEnd('/') + PodCgroups } : throw new FormatException($"{name}: \"{Text(v)}\" must be an absolute path"),
            "cgroupDriver" => (o, v) => o with { SystemdCgroups = Text(v) switch { "systemd" => true, "cgroupfs" => false, var other => throw new FormatException($"{name}: \"{other}\" must be cgroupfs or systemd") } },
            "failCgroupV1" => (o, v) => o with { FailCgroupV1 = ConfigurationValues.Bool(v, name) },
            "failSwapOn" => (o, v) => o with { FailSwapOn = ConfigurationValues.Bool(v, name) },
            "memorySwap" => (o, v) => o with { SwapBehavior = v is JsonObject swap && Text(swap["swapBehavior"] ?? "") is { Length: > 0 } said ? said : "NoSwap" },
            "enforceNodeAllocatable" => (o, v) => o with { EnforceNodeAllocatable = ConfigurationValues.Texts(v, name) is ["none"] or ["" ] ? [] : ConfigurationValues.Texts(v, name) },
            "systemReservedCgroup" => (o, v) => o with { SystemReservedCgroup = Text(v) },
            "kubeReservedCgroup" => (o, v) => o with { KubeReservedCgroup = Text(v) },
            "systemCgroups" => (o, v) => Text(v) == "/" ? throw new FormatException("invalid configuration: system container cannot be root (\"/\")") : o with { SystemCgroups = Text(v).TrimEnd('/') },
            "memoryThrottlingFactor" => (o, v) => o with { MemoryThrottlingFactor = ConfigurationValues.Real(v, name) },
            "memoryReservationPolicy" => (o, v) => o with { MemoryReservationPolicy = Text(v) },
            "qosReserved" => (o, v) => o with
            {
                QosReservedMemory = ConfigurationValues.Map(v, name)
                    .Aggregate(0, (_, r) => r.Key == "memory" ? Percent(r.Value) : throw new FormatException($"cannot reserve \"{r.Key}\" resource")),
            },
            // Of all gates those that stand for something which is off by default here, too.
            "featureGates" => (o, v) => v is not JsonObject gates ? o : o with
            {
                FeatureGates = gates.Select(g => KeyValuePair.Create(g.Name, ConfigurationValues.Bool(g.Value, $"{name}.{g.Name}"))).ToMap(),
                MemoryQos = gates["MemoryQoS"] is { } memory ? ConfigurationValues.Bool(memory, name + ".MemoryQoS") : o.MemoryQos,
                QosReserved = gates["QOSReserved"] is { } qos ? ConfigurationValues.Bool(qos, name + ".QOSReserved") : o.QosReserved,
            },
            "healthzPort" => (o, v) => o with { HealthzPort = Port(v) },
            "healthzBindAddress" => (o, v) => o with { HealthzAddress = IPAddress.TryParse(Text(v), out var at) ? at : throw new FormatException($"{name}: \"{Text(v)}\" is not an IP address") },
            "address" => (o, v) => o with { Address = IPAddress.TryParse(Text(v), out var at) ? at : throw new FormatException($"{name}: \"{Text(v)}\" is not an IP address") },
            "tlsCertFile" => (o, v) => o with { TlsCertificateFile = Text(v) },
            "tlsPrivateKeyFile" => (o, v) => o with { TlsKeyFile = Text(v) },
            "port" => (o, v) => o with { Port = Port(v) },
            "readOnlyPort" => (o, v) => o with { ReadOnlyPort = Port(v) },
            "singleProcessOOMKill" => (o, v) => o with { SingleProcessOomKill = ConfigurationValues.Bool(v, name) },
            "volumeStatsAggPeriod" => (o, v) => o with { VolumeStatsPeriod = Time(v) },
            "maxPods" => (o, v) => o with { MaxPods = Int(v) },
            "podCIDR" => (o, v) => o with { PodCidr = Text(v) },
            "podLogsDir" => (o, v) => Path.IsPathFullyQualified(Text(v)) ? o with { Folders = o.Folders with { Logs = Text(v) } }
                : throw new FormatException($"invalid configuration: pod logs path \"{Text(v)}\" must be absolute path"),
            "podPidsLimit" => (o, v) => o with { PodPidsLimit = Math.Max(0, ConfigurationValues.Number(v, name)) },
            "resolvConf" => (o, v) => o with { ResolvConf = Text(v) },
            "cpuCFSQuota" => (o, v) => o with { CpuCfsQuota = ConfigurationValues.Bool(v, name) },
            "cpuCFSQuotaPeriod" => (o, v) => o with { CpuCfsQuotaPeriod = Time(v) },
            "crashLoopBackOff" => (o, v) => v is JsonObject loop && loop["maxContainerRestartPeriod"] is JsonString most ? Restarts(o, ConfigurationValues.Time(most, name + ".maxContainerRestartPeriod")) : o,
            "serializeImagePulls" => (o, v) => o with { MaxParallelPulls = ConfigurationValues.Bool(v, name) ? 1 : int.MaxValue },
            "maxParallelImagePulls" => (o, v) => o with { MaxParallelPulls = Math.Max(1, Int(v)) },
            "seccompDefault" => (o, v) => o with { SeccompDefault = ConfigurationValues.Bool(v, name) },
            "containerLogMaxSize" => (o, v) => o with { LogMaxBytes = ConfigurationValues.Amount(v, name).Value() },
            "containerLogMaxFiles" => (o, v) => o with { LogMaxFiles = Int(v) },
            "containerLogMonitorInterval" => (o, v) => o with { LogRotationPeriod = Time(v) },
            "evictionPressureTransitionPeriod" => (o, v) => o with { PressureTransition = Time(v) },
            "evictionMaxPodGracePeriod" => (o, v) => o with { EvictionMaxGrace = TimeSpan.FromSeconds(Int(v)) },
            "allowedUnsafeSysctls" => (o, v) => o with { AllowedUnsafeSysctls = ConfigurationValues.Texts(v, name) },
            "enableDebuggingHandlers" => (o, v) => o with { EnableDebuggingHandlers = ConfigurationValues.Bool(v, name) },
            "enableSystemLogHandler" => (o, v) => o with { EnableSystemLogHandler = ConfigurationValues.Bool(v, name) },
            "enableSystemLogQuery" => (o, v) => o with { EnableSystemLogQuery = ConfigurationValues.Bool(v, name) },
            "imagePullCredentialsVerificationPolicy" => (o, v) => o with { ImageVerification = Text(v) },
            "preloadedImagesVerificationAllowlist" => (o, v) => o with { ImageAllowlist = ConfigurationValues.Texts(v, name) },
            "registerNode" => (o, v) => o with { RegisterNode = ConfigurationValues.Bool(v, name) },
            "registerWithTaints" => (o, v) => o with { RegisterWithTaints = ConfigurationValues.Items(v, name).Select(ConfigurationValues.Message<Taint>).ToSeq() },
            "providerID" => (o, v) => o with { ProviderId = Text(v) },
            "systemReserved" => (o, v) => o with { SystemReserved = ConfigurationValues.Amounts(v, name) },
            "kubeReserved" => (o, v) => o with { KubeReserved = ConfigurationValues.Amounts(v, name) },
            "reservedSystemCPUs" => (o, v) => o with { ReservedSystemCpus = Text(v) },
            "cpuManagerPolicy" => (o, v) => o with { CpuManagerPolicy = Text(v) },
            "cpuManagerPolicyOptions" => (o, v) => o with { CpuManagerPolicyOptions = ConfigurationValues.Map(v, name) },
            "cpuManagerReconcilePeriod" => (o, v) => o with { CpuManagerReconcilePeriod = Time(v) },
            "memoryManagerPolicy" => (o, v) => o with { MemoryManagerPolicy = Text(v) },
            "reservedMemory" => (o, v) => o with
            {
                ReservedMemory = ConfigurationValues.Items(v, name).Select(m => (
                    (int)ConfigurationValues.Number(m["numaNode"] ?? 0, name + ".numaNode"),
                    ConfigurationValues.Amounts(m["limits"] ?? JsonObject.Empty, name + ".limits"))).ToSeq(),
            },
            "topologyManagerPolicy" => (o, v) => o with { TopologyManagerPolicy = Text(v) },
            "topologyManagerScope" => (o, v) => o with { TopologyManagerScope = Text(v) },
            "topologyManagerPolicyOptions" => (o, v) => o with { TopologyManagerPolicyOptions = ConfigurationValues.Map(v, name) },
            "shutdownGracePeriod" => (o, v) => o with { ShutdownGrace = Time(v) },
            "shutdownGracePeriodCriticalPods" => (o, v) => o with { ShutdownGraceCritical = Time(v) },
            "shutdownGracePeriodByPodPriority" => (o, v) => o with
            {
                ShutdownGraceByPriority = ConfigurationValues.Items(v, name).Select(p => (
                    (int)ConfigurationValues.Number(p["priority"] ?? 0, name + ".priority"),
                    TimeSpan.FromSeconds(ConfigurationValues.Number(p["shutdownGracePeriodSeconds"] ?? 0, name + ".shutdownGracePeriodSeconds")))).OrderBy(p => p.Item1).ToSeq(),
            },
            "userNamespaces" => (o, v) => v is JsonObject users && users["idsPerPod"] is { } ids ? o with { IdsPerPod = ConfigurationValues.Number(ids, name + ".idsPerPod") } : o,
            _ => null,
        };
    }

    static KubeletOptions Restarts(KubeletOptions options, TimeSpan most)
    {
        if (most < TimeSpan.FromSeconds(1) || most > TimeSpan.FromMinutes(5))
            throw new FormatException($"invalid configuration: CrashLoopBackOff.MaxContainerRestartPeriod (got: {most.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds) must be set between 1s and 5m0s");
        return options with { RestartBackoffMax = most, RestartBackoff = most < options.RestartBackoff ? most : options.RestartBackoff };
    }

    static int Percent(string text)
    {
        if (!text.EndsWith('%')) throw new FormatException($"percentage expected, got '{text}'");
        if (!int.TryParse(text[..^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int percent)) throw new FormatException($"failed to convert percentage '{text}'");
        return percent is >= 0 and <= 100 ? percent : throw new FormatException("only percentage between 0 and 100 is allowed");
    }

    static void Check(KubeletOptions options)
    {
        if (!Images.PullRecords.Policies.Contains(options.ImageVerification))
            throw new FormatException($"invalid configuration: option imagePullCredentialsVerificationPolicy specified: \"{options.ImageVerification}\"");
        if (!options.ImageAllowlist.IsEmpty && options.ImageVerification != "NeverVerifyAllowlistedImages")
            throw new FormatException($"invalid configuration: can't set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVerificationPolicy` is not \"NeverVerifyAllowlistedImages\"");
        if (options.ShutdownGrace < options.ShutdownGraceCritical)
            throw new FormatException($"invalid configuration: shutdownGracePeriod {{{Duration.From(options.ShutdownGrace)}}} must be "
                + $">= shutdownGracePeriodCriticalPods {{{Duration.From(options.ShutdownGraceCritical)}}}");
        if (options.ShutdownGrace > TimeSpan.Zero && options.ShutdownGrace < TimeSpan.FromSeconds(1))
            throw new FormatException($"invalid configuration: shutdownGracePeriod {{{Duration.From(options.ShutdownGrace)}}} must be either zero or otherwise >= 1 sec");
        if (!options.ShutdownGraceByPriority.IsEmpty && options.ShutdownGrace > TimeSpan.Zero)
            throw new FormatException("invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time");
        OneOf("cpuManagerPolicy", options.CpuManagerPolicy, ExclusiveCpus.None, ExclusiveCpus.Static);
        OneOf("memoryManagerPolicy", options.MemoryManagerPolicy, PinnedMemory.None, PinnedMemory.Static);
        OneOf("topologyManagerPolicy (--topology-manager-policy)", options.TopologyManagerPolicy, TopologyPolicy.None, TopologyPolicy.BestEffort, TopologyPolicy.Restricted, TopologyPolicy.SingleNode);
        OneOf("topologyManagerScope (--topology-manager-scope)", options.TopologyManagerScope, "container", "pod");
        try { CpuSet.Parse(options.ReservedSystemCpus); }
        catch (FormatException e) { throw new FormatException($"invalid configuration: reservedSystemCPUs: {e.Message}", e); }
        CheckCgroups(options);
        if (options.TlsCertificateFile.Length == 0 != (options.TlsKeyFile.Length == 0)) throw new FormatException("invalid configuration: tlsCertFile and tlsPrivateKeyFile go together");
        if (options.CpuManagerReconcilePeriod <= TimeSpan.Zero) throw new FormatException("invalid configuration: cpuManagerReconcilePeriod must be greater than zero");
    }

    static void CheckCgroups(KubeletOptions options)
    {
        foreach (string whose in options.EnforceNodeAllocatable)
        {
            if (whose is not ("pods" or "system-reserved" or "system-reserved-compressible" or "kube-reserved" or "kube-reserved-compressible"))
                throw new FormatException($"invalid configuration: option \"{whose}\" specified for enforceNodeAllocatable (--enforce-node-allocatable). "
                    + "Valid options are \"pods\", \"system-reserved\", \"system-reserved-compressible\", \"kube-reserved\", \"kube-reserved-compressible\" or \"none\"");
            if (whose.EndsWith("-compressible", StringComparison.Ordinal) && options.EnforceNodeAllocatable.Contains(whose[..^"-compressible".Length]))
                throw new FormatException($"invalid configuration: both \"{whose[..^"-compressible".Length]}\" and \"{whose}\" cannot be specified in enforceNodeAllocatable");
            if (whose.StartsWith("system", StringComparison.Ordinal) && options.SystemReservedCgroup.Length == 0 || whose.StartsWith("kube", StringComparison.Ordinal) && options.KubeReservedCgroup.Length == 0)
                throw new FormatException($"invalid configuration: {whose[..whose.IndexOf('-')]}ReservedCgroup (--{whose[..whose.IndexOf('-')]}-reserved-cgroup) "
                    + $"must be specified when \"{whose}\" contains in enforceNodeAllocatable (--enforce-node-allocatable)");
        }
        if (options.MemoryThrottlingFactor is <= 0 or > 1)
            throw new FormatException($"invalid configuration: memoryThrottlingFactor {options.MemoryThrottlingFactor} must be greater than 0 and less than or equal to 1.0");
        OneOf("memoryReservationPolicy", options.MemoryReservationPolicy, "None", "TieredReservation");
        OneOf("memorySwap.swapBehavior", options.SwapBehavior, "NoSwap", "LimitedSwap");
    }

    static void OneOf(string name, string value, params string[] known)
    {
        if (!known.Contains(value)) throw new FormatException($"invalid configuration: {name} \"{value}\" must be one of: [{string.Join(' ', known.Select(k => $"\"{k}\""))}]");
    }
}
