using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Kubelet.Configuration;

namespace Hanbae.Kubelet.Tests.Configuration;

public sealed class KubeletConfigurationTests
{
    static readonly KubeletOptions s_given = new() { NodeName = "n", Folders = new("/d", "/l"), MaxPods = 42 };

    static (KubeletOptions Options, Seq<string> Unused) Read(string fields) => KubeletConfiguration.Read("apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n" + fields, s_given);

    [Fact]
    public void What_the_file_says_is_taken_and_the_rest_stays()
    {
        var (options, unused) = Read("""
            cpuManagerPolicy: static
            cpuManagerPolicyOptions: {full-pcpus-only: "true"}
            cpuManagerReconcilePeriod: 5s
            reservedSystemCPUs: 0-1
            memoryManagerPolicy: Static
            reservedMemory:
            - numaNode: 1
              limits: {memory: 1Gi}
            topologyManagerPolicy: restricted
            topologyManagerScope: pod
            topologyManagerPolicyOptions: {prefer-closest-numa-nodes: "true"}
            systemReserved: {memory: 512Mi}
            shutdownGracePeriod: 1m30s
            shutdownGracePeriodCriticalPods: 20s
            evictionHard: {memory.available: 200Mi, nodefs.available: 0%, containerfs.available: 30%}
            evictionSoft: {memory.available: 300Mi}
            evictionSoftGracePeriod: {memory.available: 1m}
            podPidsLimit: -1
            registerWithTaints: [{key: a, effect: NoSchedule}]
            cgroupsPerQOS: true
            authentication: {anonymous: {enabled: false}}
            """);
        Assert.Equal(("static", "true", 5.0, "0-1"), (options.CpuManagerPolicy, options.CpuManagerPolicyOptions["full-pcpus-only"], options.CpuManagerReconcilePeriod.TotalSeconds, options.ReservedSystemCpus));
        Assert.Equal(("Static", 1, 1L << 30), (options.MemoryManagerPolicy, options.ReservedMemory[0].Node, options.ReservedMemory[0].Limits["memory"].Value()));
        Assert.Equal(("restricted", "pod", "true"), (options.TopologyManagerPolicy, options.TopologyManagerScope, options.TopologyManagerPolicyOptions["prefer-closest-numa-nodes"]));
        Assert.Equal((90.0, 20.0), (options.ShutdownGrace.TotalSeconds, options.ShutdownGraceCritical.TotalSeconds));
        Assert.Equal(["memory.available 200Mi ", "memory.available 300Mi 00:01:00"], options.Eviction.Select(t => $"{t.Signal} {t.Text} {t.Grace}"));
        Assert.Equal((0L, 42, "a"), (options.PodPidsLimit, options.MaxPods, options.RegisterWithTaints[0].Key));
        Assert.Equal(["cgroupsPerQOS", "authentication"], unused);
        Assert.Equal(2, options.WithReservedCpus().SystemReserved["cpu"].Value());
    }

    [Fact]
    public void Files_of_a_folder_have_the_last_word_one_after_another()
    {
        const string head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
        var (options, _) = KubeletConfiguration.Read(
        [
            ("kubelet.yaml", head + "maxPods: 50\nclusterDNS: [192.168.1.1, 192.168.1.5]\nsystemReserved: {memory: 1Gi, cpu: 500m}\nevictionHard: {memory.available: 100Mi}"),
            ("10.conf", head + "maxPods: 60\nclusterDNS: [192.168.1.8]\nsystemReserved: {memory: 2Gi}"),
            ("20.conf", head + "maxPods: 70\nevictionHard: {memory.available: 200Mi}"),
        ], s_given);
        Assert.Equal("/kubepods", KubeletConfiguration.Read(head + "cgroupRoot: /", s_given).Options.CgroupRoot);
        Assert.Equal((70, "192.168.1.8", 2L << 30, 500L), (options.MaxPods, Assert.Single(options.ClusterDns), options.SystemReserved["memory"].Value(), options.SystemReserved["cpu"].MilliValue()));
        Assert.Equal("200Mi", Assert.Single(options.Eviction, t => t.Signal == "memory.available").Text);
        Assert.Contains("20.conf: strict decoding error: unknown field \"nope\"", Assert.Throws<FormatException>(() => KubeletConfiguration.Read([("10.conf", head), ("20.conf", head + "nope: 1")], s_given)).Message);
        Assert.Contains("10.conf: no kind", Assert.Throws<FormatException>(() => KubeletConfiguration.Read([("10.conf", "maxPods: 1")], s_given)).Message);
    }

    [Fact]
    public void How_long_failing_containers_wait_at_most_may_be_said()
    {
        var (options, unused) = Read("crashLoopBackOff: {maxContainerRestartPeriod: 5s}");
        Assert.Equal((5.0, 5.0, 0), (options.RestartBackoffMax.TotalSeconds, options.RestartBackoff.TotalSeconds, unused.Count));
        Assert.Equal((60.0, 10.0), Read("crashLoopBackOff: {maxContainerRestartPeriod: 1m}").Options is var longer ? (longer.RestartBackoffMax.TotalSeconds, longer.RestartBackoff.TotalSeconds) : default);
        // Where all wait less, that is less than usual.
        Assert.Equal((60.0, 1.0), Read("featureGates: {ReduceDefaultCrashLoopBackOffDecay: true}").Options is var sooner ? (sooner.RestartBackoffMax.TotalSeconds, sooner.RestartBackoff.TotalSeconds) : default);
        Assert.Equal(5.0, Read("featureGates: {ReduceDefaultCrashLoopBackOffDecay: true}\ncrashLoopBackOff: {maxContainerRestartPeriod: 5s}").Options.RestartBackoffMax.TotalSeconds);
        Assert.Equal("invalid configuration: CrashLoopBackOff.MaxContainerRestartPeriod (got: 301 seconds) must be set between 1s and 5m0s",
            Assert.Throws<FormatException>(() => Read("crashLoopBackOff: {maxContainerRestartPeriod: 301s}")).Message);
    }

    [Theory]
    [InlineData("serializeImagePulls: true", 1)]
    [InlineData("serializeImagePulls: false", int.MaxValue)]
    [InlineData("maxParallelImagePulls: 3\nserializeImagePulls: false", 3)]
    [InlineData("maxParallelImagePulls: 1\nserializeImagePulls: true", 1)]
    public void Images_are_pulled_one_after_another_or_so_many_at_once(string fields, int most) => Assert.Equal(most, Read(fields).Options.MaxParallelPulls);

    [Fact]
    public void One_after_another_is_not_several_at_once() => Assert.Equal("invalid configuration: maxParallelImagePulls 3 cannot be larger than 1 unless SerializeImagePulls is set to false",
        Assert.Throws<FormatException>(() => Read("serializeImagePulls: true\nmaxParallelImagePulls: 3")).Message);

    [Fact]
    public void What_it_says_of_cgroups_is_taken()
    {
        var (options, unused) = Read("""
            cgroupDriver: systemd
            failCgroupV1: true
            failSwapOn: true
            memorySwap: {swapBehavior: LimitedSwap}
            enforceNodeAllocatable: [pods, kube-reserved-compressible]
            kubeReservedCgroup: /kube.slice
            featureGates: {MemoryQoS: true, QOSReserved: true, Other: true}
            qosReserved: {memory: 40%}
            memoryThrottlingFactor: 0.8
            memoryReservationPolicy: TieredReservation
            """);
        Assert.Empty(unused);
        Assert.Equal((true, true, true, "LimitedSwap", "/kube.slice"), (options.SystemdCgroups, options.FailCgroupV1, options.FailSwapOn, options.SwapBehavior, options.KubeReservedCgroup));
        Assert.Equal((true, 0.8, "TieredReservation"), (options.MemoryQos, options.MemoryThrottlingFactor, options.MemoryReservationPolicy));
        Assert.Equal((true, 40), (options.QosReserved, options.QosReservedMemory));
        Assert.Equal(["pods", "kube-reserved-compressible"], options.EnforceNodeAllocatable);
        Assert.Empty(Read("enforceNodeAllocatable: [none]").Options.EnforceNodeAllocatable);
    }

    /// <summary>All that can be set, none of it as by default.</summary>
    const string All = """
        staticPodPath: /s
        volumePluginDir: /flex
        syncFrequency: 2m
        configMapAndSecretChangeDetectionStrategy: Cache
        fileCheckFrequency: 1500ms
        clusterDomain: c.local
        clusterDNS: [10.0.0.10]
        nodeStatusUpdateFrequency: 5s
        nodeStatusReportFrequency: 4m
        nodeLeaseDurationSeconds: 41
        imageMinimumGCAge: 3m
        imageMaximumGCAge: 24h
        imageGCHighThresholdPercent: 84
        imageGCLowThresholdPercent: 79
        cgroupRoot: /k/
        containerRuntimeEndpoint: unix:///run/r.sock
        cgroupDriver: systemd
        failCgroupV1: true
        failSwapOn: true
        singleProcessOOMKill: true
        memorySwap: {swapBehavior: LimitedSwap}
        enforceNodeAllocatable: [pods, system-reserved, kube-reserved]
        systemReservedCgroup: /system
        kubeReservedCgroup: /kube
        systemCgroups: /misc
        address: 127.0.0.3
        port: 10251
        tlsCertFile: /c.pem
        tlsPrivateKeyFile: /k.pem
        memoryThrottlingFactor: 0.8
        memoryReservationPolicy: TieredReservation
        featureGates: {MemoryQoS: true, QOSReserved: true, Other: false}
        qosReserved: {memory: 50%}
        healthzPort: 10249
        healthzBindAddress: 127.0.0.2
        readOnlyPort: 10255
        volumeStatsAggPeriod: 10s
        maxPods: 43
        podCIDR: 10.1.0.0/24
        podLogsDir: /logs
        podPidsLimit: 100
        resolvConf: ""
        cpuCFSQuota: false
        cpuCFSQuotaPeriod: 50ms
        crashLoopBackOff: {maxContainerRestartPeriod: 1m}
        serializeImagePulls: false
        maxParallelImagePulls: 3
        seccompDefault: true
        containerLogMaxSize: 1Mi
        containerLogMaxFiles: 3
        containerLogMonitorInterval: 3s
        evictionHard: {memory.available: 250Mi, nodefs.available: 11%}
        evictionSoft: {memory.available: 300Mi}
        evictionSoftGracePeriod: {memory.available: 30s}
        evictionMinimumReclaim: {memory.available: 1Mi, nodefs.available: 5%}
        evictionPressureTransitionPeriod: 30s
        evictionMaxPodGracePeriod: 60
        allowedUnsafeSysctls: [kernel.msg*]
        enableDebuggingHandlers: false
        enableSystemLogHandler: false
        enableSystemLogQuery: true
        imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages
        preloadedImagesVerificationAllowlist: [a.io/*]
        registerNode: false
        registerWithTaints: [{key: a, value: b, effect: NoSchedule}]
        providerID: p://1
        systemReserved: {memory: 1Gi, cpu: 500m}
        kubeReserved: {cpu: 100m}
        reservedSystemCPUs: 0-1
        cpuManagerPolicy: static
        cpuManagerPolicyOptions: {full-pcpus-only: "true"}
        cpuManagerReconcilePeriod: 7s
        memoryManagerPolicy: Static
        reservedMemory: [{numaNode: 1, limits: {memory: 1Gi}}]
        topologyManagerPolicy: restricted
        topologyManagerScope: pod
        topologyManagerPolicyOptions: {prefer-closest-numa-nodes: "true"}
        shutdownGracePeriod: 1m30s
        shutdownGracePeriodCriticalPods: 20s
        userNamespaces: {idsPerPod: 131072}
        """;

    /// <summary>Tools take what <c>/configz</c> says, change a field and start the kubelet with it.</summary>
    [Theory]
    [InlineData(All)]
    [InlineData("evictionHard: {}")]
    [InlineData("enforceNodeAllocatable: [none]\nevictionHard: {memory.available: 0%}\nshutdownGracePeriodByPodPriority: [{priority: 5, shutdownGracePeriodSeconds: 9}]\nserializeImagePulls: true\nmaxPods: 44")]
    [InlineData("serializeImagePulls: false\nhealthzPort: 0\npodPidsLimit: -1\nevictionHard: {}")]
    public void What_is_told_reads_back_as_what_it_was(string fields)
    {
        var options = Read(fields).Options;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) WrittenConfiguration.Write(json, options);
        var told = ((JsonObject)JsonValue.Parse(buffer.ToArray())).With("kind", "KubeletConfiguration").With("apiVersion", "kubelet.config.k8s.io/v1beta1");
        var (read, _) = KubeletConfiguration.Read(told.ToString(), s_given);
        Assert.Equal(options, read);
        // What the kubelet would understand of it is in it, if only as what holds by default.
        if (fields == All) Assert.All(All.Split('\n').Select(l => l.Split(':')[0]), name => Assert.True(told.Contains(name), name));
    }

    [Fact]
    public void What_Go_writes_for_what_nobody_said_changes_nothing()
    {
        var (options, unused) = Read("""
            authentication: {anonymous: {enabled: false}, webhook: {cacheTTL: 0s, enabled: true}, x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}}
            cgroupDriver: ""
            containerRuntimeEndpoint: ""
            cpuManagerReconcilePeriod: 0s
            crashLoopBackOff: {}
            evictionPressureTransitionPeriod: 0s
            fileCheckFrequency: 0s
            healthzBindAddress: ""
            imageMaximumGCAge: 0s
            imageMinimumGCAge: 0s
            logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}}, verbosity: 0}
            maxPods: 0
            memorySwap: {}
            nodeLeaseDurationSeconds: 0
            nodeStatusReportFrequency: 0s
            nodeStatusUpdateFrequency: 0s
            readOnlyPort: 0
            shutdownGracePeriod: 0s
            shutdownGracePeriodCriticalPods: 0s
            syncFrequency: 0s
            topologyManagerPolicy: ""
            volumeStatsAggPeriod: 0s
            """);
        Assert.Equal(s_given, options);
        Assert.Equal(["authentication", "logging"], unused);
        // Who looks more often tells more often, unless he says otherwise.
        Assert.Equal((7.0, 7.0), Read("nodeStatusUpdateFrequency: 7s") is var (often, _) ? (often.StatusUpdatePeriod.TotalSeconds, often.StatusReportPeriod.TotalSeconds) : default);
        Assert.Equal(60, Read("nodeStatusUpdateFrequency: 7s\nnodeStatusReportFrequency: 1m").Options.StatusReportPeriod.TotalSeconds);
    }

    [Fact]
    public void Grace_by_priority_is_sorted()
    {
        var (options, _) = Read("shutdownGracePeriodByPodPriority: [{priority: 1000, shutdownGracePeriodSeconds: 5}, {priority: 0, shutdownGracePeriodSeconds: 60}]");
        Assert.Equal([(0, 60.0), (1000, 5.0)], options.ShutdownGraceByPriority.Select(p => (p.Priority, p.Grace.TotalSeconds)));
    }

    [Theory]
    [InlineData("cpuMangerPolicy: static", "strict decoding error: unknown field \"cpuMangerPolicy\"")]
    [InlineData("cgroupDriver: systemdd", "cgroupDriver: \"systemdd\" must be cgroupfs or systemd")]
    [InlineData("enforceNodeAllocatable: [pods, system-reserved]", "invalid configuration: systemReservedCgroup (--system-reserved-cgroup) must be specified when \"system-reserved\" contains in enforceNodeAllocatable (--enforce-node-allocatable)")]
    [InlineData("memoryThrottlingFactor: 1.5", "invalid configuration: memoryThrottlingFactor 1.5 must be greater than 0 and less than or equal to 1.0")]
    [InlineData("memorySwap: {swapBehavior: UnlimitedSwap}", "invalid configuration: memorySwap.swapBehavior \"UnlimitedSwap\" must be one of: [\"NoSwap\" \"LimitedSwap\"]")]
    [InlineData("qosReserved: {memory: '50'}", "percentage expected, got '50'")]
    [InlineData("qosReserved: {memory: 101%}", "only percentage between 0 and 100 is allowed")]
    [InlineData("qosReserved: {cpu: 50%}", "cannot reserve \"cpu\" resource")]
    [InlineData("readOnlyPort: 65536", "invalid configuration: readOnlyPort 65536 must be between 0 and 65535, inclusive")]
    [InlineData("healthzBindAddress: localhost", "healthzBindAddress: \"localhost\" is not an IP address")]
    [InlineData("tlsCertFile: /c", "invalid configuration: tlsCertFile and tlsPrivateKeyFile go together")]
    [InlineData("address: localhost", "address: \"localhost\" is not an IP address")]
    [InlineData("systemCgroups: /", "invalid configuration: system container cannot be root (\"/\")")]
    [InlineData("podLogsDir: logs", "invalid configuration: pod logs path \"logs\" must be absolute path")]
    [InlineData("cgroupRoot: k", "cgroupRoot: \"k\" must be an absolute path")]
    [InlineData("maxPods: many", "maxPods: must be an integer")]
    [InlineData("syncFrequency: soon", "syncFrequency: time: invalid duration \"soon\"")]
    [InlineData("configMapAndSecretChangeDetectionStrategy: Guess", "unknown configmap and secret manager mode: Guess")]
    [InlineData("topologyManagerPolicy: strict", "invalid configuration: topologyManagerPolicy (--topology-manager-policy) \"strict\" must be one of: [\"none\" \"best-effort\" \"restricted\" \"single-numa-node\"]")]
    [InlineData("reservedSystemCPUs: all", "invalid configuration: reservedSystemCPUs: strconv.Atoi: parsing \"all\": invalid syntax")]
    [InlineData("evictionHard: {mem: 1Gi}", "unknown eviction signal mem")]
    [InlineData("evictionSoft: {memory.available: 1Gi}", "grace period must be specified for the soft eviction threshold memory.available")]
    [InlineData("shutdownGracePeriod: 10s\nshutdownGracePeriodCriticalPods: 20s", "invalid configuration: shutdownGracePeriod {10s} must be >= shutdownGracePeriodCriticalPods {20s}")]
    [InlineData("shutdownGracePeriod: 10s\nshutdownGracePeriodByPodPriority: [{priority: 0, shutdownGracePeriodSeconds: 1}]", "invalid configuration: Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time")]
    public void What_is_wrong_with_a_file_is_said(string fields, string why) => Assert.Equal(why, Assert.Throws<FormatException>(() => Read(fields)).Message);

    [Fact]
    public void Another_kind_is_refused() => Assert.Throws<FormatException>(() => KubeletConfiguration.Read("kind: Pod\napiVersion: v1", s_given));
}
