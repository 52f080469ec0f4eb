using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Tables;

namespace Hanbae.Server.Tests.Tables;

public sealed class TableCatalogTests
{
    static readonly string[] s_plain = ["Name", "Age", "Created At"];

    public static TheoryData<string, string> Served()
    {
        var data = new TheoryData<string, string>();
        foreach (var group in ApiData.Groups)
            foreach (string version in group.Default)
                foreach (var resource in Resources.Of(new GroupVersion(group.Name, version)))
                    if (!resource.Columns.IsEmpty) data.Add(resource.Gvr.GroupVersion.ToString(), resource.Gvr.Resource);
        return data;
    }

    [Theory, MemberData(nameof(Served))]
    public void Every_column_of_a_served_kind_has_a_cell_and_words(string version, string resource)
    {
        var info = Resources.Of(GroupVersion.Parse(version)!.Value).First(r => r.Gvr.Resource == resource);
        var table = TableCatalog.Of(info.Kind);
        if (table is null)
        {
            Assert.All(info.Columns, c => Assert.Contains(c.Name, s_plain));
            return;
        }
        var row = new RowText();
        table.Write((IObject)info.Kind.Decode("{}"u8), row);
        Assert.Equal(info.Columns.Length, row.Cells.Count);
        Assert.DoesNotContain("null", row.Cells);
        Assert.All(info.Columns, c => Assert.NotEmpty(table.Describe(c)));
    }

    [Theory]
    [InlineData("v1", "Service", """{"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.0.0.9","ports":[{"port":80,"nodePort":30080,"protocol":"TCP"},{"port":53,"protocol":"UDP"}],"selector":{"b":"2","a":"1"}}}""",
        "s | NodePort | 10.0.0.9 | <none> | 80:30080/TCP,53/UDP | <unknown> | a=1,b=2")]
    [InlineData("v1", "Service", """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","clusterIP":"None"}}""", "s | LoadBalancer | None | <pending> | <none> | <unknown> | <none>")]
    [InlineData("v1", "Service", """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","externalIPs":["9.9.9.9"]},"status":{"loadBalancer":{"ingress":[{"hostname":"b"},{"ip":"1.2.3.4"}]}}}""",
        "s | LoadBalancer | <none> | 1.2.3.4,b,9.9.9.9 | <none> | <unknown> | <none>")]
    [InlineData("v1", "Service", """{"metadata":{"name":"s"},"spec":{"type":"ExternalName","externalName":"example.com"}}""", "s | ExternalName | <none> | example.com | <none> | <unknown> | <none>")]
    [InlineData("v1", "Node", """{"metadata":{"name":"n","labels":{"node-role.kubernetes.io/worker":"","kubernetes.io/role":"edge"}},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1.36.3","osImage":"Debian"},"addresses":[{"type":"InternalIP","address":"10.0.0.2"}]}}""",
        "n | Ready,SchedulingDisabled | edge,worker | <unknown> | v1.36.3 | 10.0.0.2 | <none> | Debian | <unknown> | <unknown>")]
    [InlineData("v1", "Node", """{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}""", "n | NotReady | <none> | <unknown> |  | <none> | <none> | <unknown> | <unknown> | <unknown>")]
    [InlineData("v1", "Endpoints", """{"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"1.1.1.2"}],"ports":[{"port":80},{"port":443}]},{"addresses":[{"ip":"fd00::1"}],"ports":[{"port":80}]}]}""",
        "e | 1.1.1.1:80,1.1.1.2:80,1.1.1.1:443 + 2 more... | <unknown>")]
    [InlineData("discovery.k8s.io/v1", "EndpointSlice", """{"metadata":{"name":"e"},"addressType":"IPv4","endpoints":[{"addresses":["1.1.1.1"]}]}""", "e | IPv4 | <unset> | 1.1.1.1 | <unknown>")]
    [InlineData("v1", "PersistentVolume", """{"metadata":{"name":"v","annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},"spec":{"capacity":{"storage":"5Gi"},"accessModes":["ReadWriteMany","ReadWriteOnce"],"claimRef":{"namespace":"d","name":"c"},"storageClassName":"new","persistentVolumeReclaimPolicy":"Retain","volumeMode":"Filesystem"},"status":{"phase":"Bound"}}""",
        "v | 5Gi | RWO,RWX | Retain | Bound | d/c | old | <unset> |  | <unknown> | Filesystem")]
    [InlineData("v1", "PersistentVolumeClaim", """{"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":"1Gi"}},"storageClassName":"fast"},"status":{"phase":"Pending"}}""", "c | Pending |  |  |  | fast | <unset> | <unknown> | <unset>")]
    [InlineData("v1", "ResourceQuota", """{"metadata":{"name":"q"},"status":{"hard":{"limits.cpu":"4","pods":"10","cpu":"2"},"used":{"pods":"3"}}}""", "q | cpu: 0/2, pods: 3/10 | limits.cpu: 0/4 | <unknown>")]
    [InlineData("v1", "Event", """{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec.containers{a}"},"reason":"Pulled","message":" done \n","source":{"component":"kubelet","host":"n1"},"firstTimestamp":"2030-01-01T11:50:00Z","lastTimestamp":"2030-01-01T11:59:30Z","count":4,"type":"Normal"}""",
        "30s | Normal | Pulled | pod/p | spec.containers{a} | kubelet, n1 | done | 10m | 4 | e")]
    [InlineData("events.k8s.io/v1", "Event", """{"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p"},"reason":"Pulled","note":"done","reportingController":"x","reportingInstance":"x-1","eventTime":"2030-01-01T11:59:00Z","type":"Normal"}""",
        "60s | Normal | Pulled | pod/p |  | x, x-1 | done | 60s | 1 | e")]
    [InlineData("v1", "Secret", """{"metadata":{"name":"s"},"type":"Opaque","data":{"a":"","b":""}}""", "s | Opaque | 2 | <unknown>")]
    [InlineData("apps/v1", "Deployment", """{"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"1"},"matchExpressions":[{"key":"t","operator":"In","values":["y","x"]}]},"template":{"spec":{"containers":[{"name":"a","image":"i:1"},{"name":"b","image":"i:2"}]}}},"status":{"readyReplicas":2,"updatedReplicas":3,"availableReplicas":1}}""",
        "d | 2/3 | 3 | 1 | <unknown> | a,b | i:1,i:2 | a=1,t in (x,y)")]
    [InlineData("apps/v1", "ControllerRevision", """{"metadata":{"name":"r","ownerReferences":[{"kind":"DaemonSet","apiVersion":"apps/v1","name":"d","controller":true}]},"revision":7}""", "r | daemonset.apps/d | 7 | <unknown>")]
    [InlineData("batch/v1", "Job", """{"metadata":{"name":"j"},"spec":{"completions":5},"status":{"succeeded":5,"startTime":"2030-01-01T11:00:00Z","completionTime":"2030-01-01T11:01:30Z","conditions":[{"type":"Complete","status":"True"}]}}""",
        "j | Complete | 5/5 | 90s | <unknown> |  |  | <none>")]
    [InlineData("batch/v1", "Job", """{"metadata":{"name":"j"},"spec":{"parallelism":4},"status":{"startTime":"2030-01-01T11:59:00Z"}}""", "j | Running | 0/1 of 4 | 60s | <unknown> |  |  | <none>")]
    [InlineData("autoscaling/v2", "HorizontalPodAutoscaler", """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":1,"maxReplicas":9,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"averageUtilization":80}}},{"type":"Pods","pods":{"target":{"averageValue":"100m"}}},{"type":"External","external":{"target":{"value":"5"}}}]},"status":{"currentReplicas":2,"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":40}}}]}}""",
        "h | Deployment/d | cpu: 40%/80%, <unknown>/100m + 1 more... | 1 | 9 | 2 | <unknown>")]
    [InlineData("autoscaling/v1", "HorizontalPodAutoscaler", """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":9,"targetCPUUtilizationPercentage":70}}""",
        "h | Deployment/d | cpu: <unknown>/70% | <unset> | 9 | 0 | <unknown>")]
    [InlineData("networking.k8s.io/v1", "Ingress", """{"metadata":{"name":"i"},"spec":{"ingressClassName":"nginx","rules":[{"host":"a"},{"host":"b"},{"host":"c"},{"host":"d"}],"tls":[{}]}}""", "i | nginx | a,b,c + 1 more... |  | 80, 443 | <unknown>")]
    [InlineData("networking.k8s.io/v1", "NetworkPolicy", """{"metadata":{"name":"p"},"spec":{"podSelector":{}}}""", "p | <none> | <unknown>")]
    [InlineData("rbac.authorization.k8s.io/v1", "RoleBinding", """{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","namespace":"d","name":"s"},{"kind":"Group","name":"g"},{"kind":"User","name":"v"}]}""",
        "b | ClusterRole/view | <unknown> | u, v | g | d/s")]
    [InlineData("storage.k8s.io/v1", "StorageClass", """{"metadata":{"name":"c","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"p"}""", "c (default) | p | Delete | Immediate | false | <unknown>")]
    [InlineData("networking.k8s.io/v1", "IngressClass", """{"metadata":{"name":"c","annotations":{"ingressclass.kubernetes.io/is-default-class":"true"}},"spec":{"controller":"example.com/c","parameters":{"apiGroup":"g","kind":"K","name":"p"}}}""", "c (default) | example.com/c | K.g/p | <unknown>")]
    [InlineData("policy/v1", "PodDisruptionBudget", """{"metadata":{"name":"b"},"spec":{"maxUnavailable":"25%"},"status":{"disruptionsAllowed":1}}""", "b | N/A | 25% | 1 | <unknown>")]
    [InlineData("certificates.k8s.io/v1", "CertificateSigningRequest", """{"metadata":{"name":"c"},"spec":{"signerName":"s","username":"u","expirationSeconds":3600},"status":{"conditions":[{"type":"Approved","status":"True"}],"certificate":"YQ=="}}""",
        "c | <unknown> | s | u | 60m | Approved,Issued")]
    [InlineData("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", """{"metadata":{"name":"l"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":30,"limitResponse":{"type":"Queue","queuing":{"queues":64,"handSize":6,"queueLengthLimit":50}}}}}""",
        "l | Limited | 30 | 64 | 6 | 50 | <unknown>")]
    public void Rows_are_printed_as_upstream_prints_them(string version, string kind, string json, string expected) =>
        Assert.Equal(expected, RowText.Of(ApiData.Kind(GroupVersion.Parse(version)!.Value.Kind(kind))!, json).ToString());

    [Fact]
    public void Another_version_of_a_kind_is_shown_by_the_same_table() =>
        Assert.Equal("a | services/default/kubernetes", RowText.Of(Hanbae.Api.Networking.V1beta1.IPAddress.Info, """{"metadata":{"name":"a"},"spec":{"parentRef":{"resource":"services","namespace":"default","name":"kubernetes"}}}""").ToString());
}
