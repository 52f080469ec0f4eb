using System.Text.Json;
using Hanbae.Kubelet.Eviction;
using Hanbae.Kubelet.Statuses;

namespace Hanbae.Kubelet.Configuration;

/// <summary>All that a kubelet goes by as upstream's <c>KubeletConfiguration</c>: what <c>/configz</c> answers.</summary>
/// <remarks>
/// Tools read it, change a field, write it to a file and start the kubelet with that: so every field that <see cref="KubeletConfiguration"/> reads is here, and read back means the same.
/// Of fields that nothing here asks for it tells what is so, or upstream's default, since their absence would be read as nothing at all.
/// </remarks>
static class WrittenConfiguration
{
    public static void Write(Utf8JsonWriter json, KubeletOptions o)
    {
        json.WriteStartObject();
        Constants(json);
        json.WriteString("address", o.Address.ToString());
        json.WriteNumber("port", o.Port);
        json.WriteString("healthzBindAddress", o.HealthzAddress.ToString());
        if (o.TlsCertificateFile.Length > 0) json.WriteString("tlsCertFile", o.TlsCertificateFile);
        if (o.TlsKeyFile.Length > 0) json.WriteString("tlsPrivateKeyFile", o.TlsKeyFile);
        json.WriteNumber("healthzPort", o.HealthzPort);
        json.WriteNumber("readOnlyPort", o.ReadOnlyPort);
        json.WriteString("containerRuntimeEndpoint", o.RuntimeEndpoint);
        json.WriteString("staticPodPath", o.StaticPodPath);
        json.WriteString("volumePluginDir", o.Helpers.FlexDrivers);
        json.WriteString("podLogsDir", o.Folders.Logs);
        Time("fileCheckFrequency", o.StaticPodPeriod);
        Time("syncFrequency", o.SyncPeriod);
        json.WriteString("configMapAndSecretChangeDetectionStrategy", o.WatchesObjects ? "Watch" : "Cache");
        json.WriteString("clusterDomain", o.ClusterDomain);
        List("clusterDNS", o.ClusterDns);
        json.WriteBoolean("registerNode", o.RegisterNode);
        if (!o.RegisterWithTaints.IsEmpty)
        {
            json.WriteStartArray("registerWithTaints");
            foreach (var taint in o.RegisterWithTaints) json.WriteRawValue(StatusPatch.Json(taint));
            json.WriteEndArray();
        }
        if (o.ProviderId.Length > 0) json.WriteString("providerID", o.ProviderId);
        Time("nodeStatusUpdateFrequency", o.StatusUpdatePeriod);
        Time("nodeStatusReportFrequency", o.StatusReportPeriod);
        json.WriteNumber("nodeLeaseDurationSeconds", (int)o.LeaseDuration.TotalSeconds);
        Gates(json, o.FeatureGates);
        Images(json, o);
        Cgroups(json, o);
        Places(json, o);
        Pods(json, o);
        Shutdown(json, o);
        Thresholds(json, o);
        Serving(json, o);
        json.WriteEndObject();

        void Time(string name, TimeSpan value) => WrittenConfiguration.Time(json, name, value);
        void List(string name, Seq<string> all) => WrittenConfiguration.List(json, name, all);
    }

    /// <summary>What nobody can set otherwise.</summary>
    static void Constants(Utf8JsonWriter json)
    {
        foreach (string on in (ReadOnlySpan<string>)["enableServer", "enableControllerAttachDetach", "cgroupsPerQOS", "localStorageCapacityIsolation", "makeIPTablesUtilChains"]) json.WriteBoolean(on, true);
        foreach (string off in (ReadOnlySpan<string>)["enableProfilingHandler", "enableDebugFlagsHandler", "mergeDefaultEvictionSettings", "runOnce", "protectKernelDefaults"]) json.WriteBoolean(off, false);
        foreach (var (name, value) in (ReadOnlySpan<(string, int)>)
            [("registryPullQPS", 5), ("registryBurst", 10), ("eventRecordQPS", 50), ("eventBurst", 100), ("kubeAPIQPS", 50), ("kubeAPIBurst", 100), ("nodeStatusMaxImages", 50),
             ("maxOpenFiles", 1_000_000), ("oomScoreAdj", -999), ("iptablesMasqueradeBit", 14), ("iptablesDropBit", 15), ("containerLogMaxWorkers", 1)]) json.WriteNumber(name, value);
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
            [("httpCheckFrequency", "20s"), ("runtimeRequestTimeout", "2m0s"), ("hairpinMode", "promiscuous-bridge"), ("contentType", "application/json")]) json.WriteString(name, value);
        json.WriteStartObject("logging");
        json.WriteString("format", "text");
        json.WriteString("flushFrequency", "5s");
        json.WriteNumber("verbosity", 0);
        json.WriteEndObject();
    }

    static void Gates(Utf8JsonWriter json, Map<bool> gates)
    {
        if (gates.IsEmpty) return;
        json.WriteStartObject("featureGates");
        foreach (var (name, on) in gates) json.WriteBoolean(name, on);
        json.WriteEndObject();
    }

    static void Images(Utf8JsonWriter json, KubeletOptions o)
    {
        Time(json, "imageMinimumGCAge", o.ImageMinimumAge);
        Time(json, "imageMaximumGCAge", o.ImageMaximumAge);
        json.WriteNumber("imageGCHighThresholdPercent", o.ImageHighPercent);
        json.WriteNumber("imageGCLowThresholdPercent", o.ImageLowPercent);
        json.WriteBoolean("serializeImagePulls", o.MaxParallelPulls == 1);
        if (o.MaxParallelPulls < int.MaxValue) json.WriteNumber("maxParallelImagePulls", o.MaxParallelPulls);
        json.WriteString("imagePullCredentialsVerificationPolicy", o.ImageVerification);
        List(json, "preloadedImagesVerificationAllowlist", o.ImageAllowlist);
    }

    static void Cgroups(Utf8JsonWriter json, KubeletOptions o)
    {
        string parent = o.CgroupRoot.EndsWith(KubeletConfiguration.PodCgroups, StringComparison.Ordinal) ? o.CgroupRoot[..^KubeletConfiguration.PodCgroups.Length] : o.CgroupRoot;
        json.WriteString("cgroupRoot", parent.Length > 0 ? parent : "/");
        json.WriteString("cgroupDriver", o.SystemdCgroups ? "systemd" : "cgroupfs");
        json.WriteBoolean("failCgroupV1", o.FailCgroupV1);
        json.WriteBoolean("failSwapOn", o.FailSwapOn);
        if (o.SingleProcessOomKill is { } single) json.WriteBoolean("singleProcessOOMKill", single);
        json.WriteStartObject("memorySwap");
        json.WriteString("swapBehavior", o.SwapBehavior);
        json.WriteEndObject();
        List(json, "enforceNodeAllocatable", o.EnforceNodeAllocatable.IsEmpty ? ["none"] : o.EnforceNodeAllocatable);
        Map(json, "systemReserved", Texts(o.SystemReserved));
        Map(json, "kubeReserved", Texts(o.KubeReserved));
        if (o.SystemReservedCgroup.Length > 0) json.WriteString("systemReservedCgroup", o.SystemReservedCgroup);
        if (o.SystemCgroups.Length > 0) json.WriteString("systemCgroups", o.SystemCgroups);
        if (o.KubeReservedCgroup.Length > 0) json.WriteString("kubeReservedCgroup", o.KubeReservedCgroup);
        json.WriteNumber("memoryThrottlingFactor", o.MemoryThrottlingFactor);
        json.WriteString("memoryReservationPolicy", o.MemoryReservationPolicy);
        if (o.QosReservedMemory > 0) Map(json, "qosReserved", Hanbae.Api.Map.Of(("memory", o.QosReservedMemory + "%")));
    }

    static void Places(Utf8JsonWriter json, KubeletOptions o)
    {
        json.WriteString("cpuManagerPolicy", o.CpuManagerPolicy);
        Map(json, "cpuManagerPolicyOptions", o.CpuManagerPolicyOptions);
        Time(json, "cpuManagerReconcilePeriod", o.CpuManagerReconcilePeriod);
        json.WriteString("memoryManagerPolicy", o.MemoryManagerPolicy);
        json.WriteString("topologyManagerPolicy", o.TopologyManagerPolicy);
        json.WriteString("topologyManagerScope", o.TopologyManagerScope);
        Map(json, "topologyManagerPolicyOptions", o.TopologyManagerPolicyOptions);
        if (o.ReservedSystemCpus.Length > 0) json.WriteString("reservedSystemCPUs", o.ReservedSystemCpus);
        if (o.ReservedMemory.IsEmpty) return;
        json.WriteStartArray("reservedMemory");
        foreach (var (node, limits) in o.ReservedMemory)
        {
            json.WriteStartObject();
            json.WriteNumber("numaNode", node);
            Map(json, "limits", Texts(limits));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Pods(Utf8JsonWriter json, KubeletOptions o)
    {
        json.WriteNumber("maxPods", o.MaxPods);
        json.WriteString("podCIDR", o.PodCidr);
        json.WriteNumber("podPidsLimit", o.PodPidsLimit > 0 ? o.PodPidsLimit : -1);
        json.WriteStartObject("userNamespaces");
        json.WriteNumber("idsPerPod", o.IdsPerPod);
        json.WriteEndObject();
        json.WriteString("resolvConf", o.ResolvConf);
        json.WriteBoolean("cpuCFSQuota", o.CpuCfsQuota);
        Time(json, "cpuCFSQuotaPeriod", o.CpuCfsQuotaPeriod);
        json.WriteStartObject("crashLoopBackOff");
        Time(json, "maxContainerRestartPeriod", o.RestartBackoffMax);
        json.WriteEndObject();
        json.WriteBoolean("seccompDefault", o.SeccompDefault);
        json.WriteString("containerLogMaxSize", new Quantity(o.LogMaxBytes, QuantityFormat.BinarySI).ToString());
        json.WriteNumber("containerLogMaxFiles", o.LogMaxFiles);
        Time(json, "containerLogMonitorInterval", o.LogRotationPeriod);
        Time(json, "volumeStatsAggPeriod", o.VolumeStatsPeriod);
        List(json, "allowedUnsafeSysctls", o.AllowedUnsafeSysctls);
    }

    static void Shutdown(Utf8JsonWriter json, KubeletOptions o)
    {
        Time(json, "shutdownGracePeriod", o.ShutdownGrace);
        Time(json, "shutdownGracePeriodCriticalPods", o.ShutdownGraceCritical);
        if (o.ShutdownGraceByPriority.IsEmpty) return;
        json.WriteStartArray("shutdownGracePeriodByPodPriority");
        foreach (var (priority, grace) in o.ShutdownGraceByPriority)
        {
            json.WriteStartObject();
            json.WriteNumber("priority", priority);
            json.WriteNumber("shutdownGracePeriodSeconds", (long)grace.TotalSeconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    static void Thresholds(Utf8JsonWriter json, KubeletOptions o)
    {
        var hard = o.Eviction.Where(t => t.Grace is null).Select(t => KeyValuePair.Create(t.Signal, t.Text)).ToMap();
        // None at all has to be said, or it is read as the default ones.
        Map(json, "evictionHard", hard.IsEmpty ? Threshold.Defaults.Select(t => KeyValuePair.Create(t.Signal, "0%")).ToMap() : hard);
        var soft = o.Eviction.Where(t => t.Grace is not null).ToArray();
        Map(json, "evictionSoft", soft.Select(t => KeyValuePair.Create(t.Signal, t.Text)).ToMap());
        Map(json, "evictionSoftGracePeriod", soft.Select(t => KeyValuePair.Create(t.Signal, Go(t.Grace!.Value))).ToMap());
        Map(json, "evictionMinimumReclaim", o.Eviction.Where(t => t.MinimumReclaim.Length > 0).Select(t => KeyValuePair.Create(t.Signal, t.MinimumReclaim)).DistinctBy(t => t.Key).ToMap());
        Time(json, "evictionPressureTransitionPeriod", o.PressureTransition);
        json.WriteNumber("evictionMaxPodGracePeriod", (int)o.EvictionMaxGrace.TotalSeconds);
    }

    static void Serving(Utf8JsonWriter json, KubeletOptions o)
    {
        // Whoever keeps the certificates of this process keeps these, too.
        json.WriteBoolean("rotateCertificates", o.CurrentServingCertificate is not null);
        Time(json, "streamingConnectionIdleTimeout", new Streaming.StreamingTimeouts().Idle);
        json.WriteBoolean("enableDebuggingHandlers", o.EnableDebuggingHandlers);
        json.WriteBoolean("enableSystemLogHandler", o.EnableSystemLogHandler);
        json.WriteBoolean("enableSystemLogQuery", o.EnableSystemLogQuery);
        json.WriteStartObject("authentication");
        json.WriteStartObject("x509");
        json.WriteEndObject();
        json.WriteStartObject("anonymous");
        json.WriteBoolean("enabled", false);
        json.WriteEndObject();
        json.WriteStartObject("webhook");
        json.WriteBoolean("enabled", true);
        json.WriteString("cacheTTL", "2m0s");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("authorization");
        json.WriteString("mode", "Webhook");
        json.WriteStartObject("webhook");
        json.WriteString("cacheAuthorizedTTL", "5m0s");
        json.WriteString("cacheUnauthorizedTTL", "30s");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void Time(Utf8JsonWriter json, string name, TimeSpan value) => json.WriteString(name, Go(value));

    static string Go(TimeSpan value) => Duration.From(value).ToString();

    static void List(Utf8JsonWriter json, string name, Seq<string> all)
    {
        if (all.IsEmpty) return;
        json.WriteStartArray(name);
        foreach (string one in all) json.WriteStringValue(one);
        json.WriteEndArray();
    }

    static void Map(Utf8JsonWriter json, string name, Map<string> map)
    {
        if (map.IsEmpty) return;
        json.WriteStartObject(name);
        foreach (var (key, value) in map) json.WriteString(key, value);
        json.WriteEndObject();
    }

    static Map<string> Texts(Map<Quantity> amounts) => amounts.Select(a => KeyValuePair.Create(a.Key, a.Value.ToString())).ToMap();
}
