namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Volumes, claims to them and classes of them.</summary>
public sealed class StorageRulesTests
{
    const string Size = "\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],";
    const string Nodes = "\"nodeAffinity\":{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"kubernetes.io/hostname\",\"operator\":\"In\",\"values\":[\"n\"]}]}]}}";

    [Theory]
    [InlineData("\"hostPath\":{\"path\":\"/a\"}", "")]
    [InlineData("\"hostPath\":{\"path\":\"/a/../b\"}", "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'")]
    [InlineData("\"hostPath\":{\"path\":\"/\"},\"persistentVolumeReclaimPolicy\":\"Recycle\"", "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'")]
    [InlineData("\"hostPath\":{\"path\":\"/a\"},\"nfs\":{\"server\":\"s\",\"path\":\"/p\"}", "spec.nfs: Forbidden: may not specify more than 1 volume type")]
    [InlineData("\"volumeMode\":\"Filesystem\"", "spec: Required value: must specify a volume type")]
    [InlineData("\"nfs\":{\"server\":\"\",\"path\":\"p\"}", "spec.nfs.server: Required value|spec.nfs.path: Invalid value: \"p\": must be an absolute path")]
    [InlineData("\"gcePersistentDisk\":{\"pdName\":\"\",\"partition\":256}", "spec.persistentDisk.pdName: Required value|spec.persistentDisk.partition: Invalid value: 256: must be between 0 and 255, inclusive")]
    [InlineData("\"iscsi\":{\"targetPortal\":\"10.0.0.1\",\"iqn\":\"iqn.2015-02.example.com:test\",\"lun\":0}", "")]
    [InlineData("\"iscsi\":{\"targetPortal\":\"\",\"iqn\":\"nope\",\"lun\":256,\"chapAuthSession\":true}",
        "spec.iscsi.targetPortal: Required value|spec.iscsi.iqn: Invalid value: \"nope\": must be valid format|spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive|spec.iscsi.secretRef: Required value")]
    [InlineData("\"fc\":{\"targetWWNs\":[\"a\"]}", "spec.fc.lun: Required value: lun is required if targetWWNs is specified")]
    [InlineData("\"fc\":{}", "spec.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both")]
    [InlineData("\"flexVolume\":{\"driver\":\"d\",\"options\":{\"foo.kubernetes.io/a\":\"b\"}}", "spec.flexVolume.options[foo.kubernetes.io/a]: Invalid value: \"foo.kubernetes.io/a\": kubernetes.io and k8s.io namespaces are reserved")]
    [InlineData("\"azureFile\":{\"secretName\":\"s\",\"shareName\":\"\",\"secretNamespace\":\"\"}", "spec.azureFile.shareName: Required value|spec.azureFile.secretNamespace: Required value")]
    [InlineData("\"local\":{\"path\":\"/mnt\"}", "spec.nodeAffinity: Required value: Local volume requires node affinity")]
    [InlineData("\"local\":{\"path\":\"/mnt\"}," + Nodes, "")]
    [InlineData("\"nodeAffinity\":{},\"hostPath\":{\"path\":\"/a\"}", "spec.nodeAffinity.required: Required value: must specify required node constraints")]
    [InlineData("\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"\"}", "spec.csi.volumeHandle: Required value")]
    [InlineData("\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"v\",\"nodeStageSecretRef\":{\"name\":\"\"},\"nodeExpandSecretRef\":{\"name\":\"s\"}}", "spec.csi.nodeExpandSecretRef.namespace: Required value")]
    [InlineData("\"volumeAttributesClassName\":\"gold\",\"hostPath\":{\"path\":\"/a\"}", "spec.csi: Required value: has to be specified when using volumeAttributesClassName")]
    [InlineData("\"volumeAttributesClassName\":\"\",\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"v\"}", "spec.volumeAttributesClassName: Required value: an empty string is disallowed")]
    [InlineData("\"volumeMode\":\"Raw\",\"hostPath\":{\"path\":\"/a\"}", "spec.volumeMode: Unsupported value: \"Raw\": supported values: \"Block\", \"Filesystem\"")]
    public void A_volume_has_one_source_that_is_whole(string spec, string messages) =>
        Samples.Create("PersistentVolume", Samples.ClusterMeta + ",\"spec\":{" + Size + spec + "}", messages);

    [Theory]
    [InlineData("\"capacity\":{\"storage\":\"1Gi\",\"cpu\":\"1\"},", "spec.capacity: Unsupported value: {\"cpu\":\"1\",\"storage\":\"1Gi\"}: supported values: \"storage\"")]
    [InlineData("\"capacity\":{\"storage\":\"0\"},", "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero")]
    public void A_volume_has_a_size(string capacity, string messages) =>
        Samples.Create("PersistentVolume", Samples.ClusterMeta + ",\"spec\":{" + capacity + "\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"/a\"}}", messages);

    const string Csi = "\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"v\"";

    [Theory]
    [InlineData(Csi + "}", Csi + ",\"controllerExpandSecretRef\":{\"name\":\"s\",\"namespace\":\"n\"}}", "")]
    [InlineData(Csi + "}", Csi + ",\"fsType\":\"xfs\"}",
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n-  csi: {\"driver\":\"d\",\"volumeHandle\":\"v\"}\n+  csi: {\"driver\":\"d\",\"volumeHandle\":\"v\",\"fsType\":\"xfs\"}\n")]
    [InlineData(Csi + "},\"volumeMode\":\"Block\"", Csi + "},\"volumeMode\":\"Filesystem\"", "volumeMode: Invalid value: \"Filesystem\": field is immutable")]
    [InlineData(Csi + "}", Csi + "}," + Nodes, "")]
    [InlineData(Csi + "},\"volumeAttributesClassName\":\"a\"", Csi + "},\"volumeAttributesClassName\":\"b\"", "")]
    [InlineData(Csi + "},\"volumeAttributesClassName\":\"a\"", Csi + "}", "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden")]
    public void What_a_volume_is_made_of_stays(string before, string after, string messages) => Samples.Change("PersistentVolume",
        Samples.ClusterMeta + ",\"spec\":{" + Size + before + "}", Samples.ClusterMeta + ",\"spec\":{" + Size + after + "}", messages);

    const string Zone = "\"hostPath\":{\"path\":\"/a\"},\"nodeAffinity\":{\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"KEY\",\"operator\":\"In\",\"values\":[\"a\"]}]}]}}";

    [Theory]
    [InlineData("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone", true)]
    [InlineData("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/region", false)]
    [InlineData("a", "b", false)]
    public void Where_a_volume_is_may_only_be_called_by_its_new_name(string before, string after, bool may)
    {
        string Spec(string key) => Samples.ClusterMeta + ",\"spec\":{" + Size + Zone.Replace("KEY", key, StringComparison.Ordinal) + "}";
        var told = Samples.Told(Machinery.Validate.Rules.Update(Samples.Read("PersistentVolume", Spec(after)), Samples.Read("PersistentVolume", Spec(before)), ""));
        if (may) Assert.Empty(told);
        else Assert.EndsWith(": field is immutable, except for updating from beta label to GA", Assert.Single(told));
    }

    const string Claim = "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}";

    [Theory]
    [InlineData(Claim, "")]
    [InlineData("\"accessModes\":[],\"resources\":{}", "spec.accessModes: Required value: at least 1 access mode is required|spec.resources[storage]: Required value")]
    [InlineData("\"accessModes\":[\"ReadWriteOncePod\",\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"0\"}}",
        "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes|spec.resources[storage]: Invalid value: \"0\": must be greater than zero")]
    [InlineData(Claim + ",\"dataSource\":{\"kind\":\"Thing\",\"name\":\"a\"}", "spec.dataSource: Invalid value: \"Thing\": must be 'PersistentVolumeClaim' when referencing the default apiGroup")]
    [InlineData(Claim + ",\"dataSource\":{\"kind\":\"PersistentVolumeClaim\",\"name\":\"a\"},\"dataSourceRef\":{\"kind\":\"PersistentVolumeClaim\",\"name\":\"b\"}", "spec: Invalid value: \"spec.dataSource\": must match dataSourceRef")]
    [InlineData(Claim + ",\"dataSourceRef\":{\"apiGroup\":\"A_b\",\"kind\":\"\",\"name\":\"\",\"namespace\":\"n\"}",
        "spec.dataSourceRef.name: Required value|spec.dataSourceRef.kind: Required value|spec.dataSourceRef.apiGroup: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")]
    public void A_claim_says_what_it_wants(string spec, string messages) => Samples.Create("PersistentVolumeClaim", "\"spec\":{" + spec + "}", messages);

    const string Frozen = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n";
    const string Bound = "\"status\":{\"phase\":\"Bound\",\"capacity\":{\"storage\":\"1Gi\"}},", Pending = "\"status\":{\"phase\":\"Pending\"},";

    [Theory]
    [InlineData(Bound, Claim, "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}", "")]
    [InlineData(Pending, Claim, "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}",
        Frozen + "-  resources: {\"requests\":{\"storage\":\"1Gi\"}}\n+  resources: {\"requests\":{\"storage\":\"2Gi\"}}\n")]
    [InlineData(Bound, Claim, "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"512Mi\"}}", "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity")]
    [InlineData(Bound, "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"3Gi\"}}", "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}", "")]
    [InlineData(Pending, Claim, Claim + ",\"volumeName\":\"v\"", "")]
    [InlineData(Pending, Claim + ",\"volumeName\":\"v\"", Claim + ",\"volumeName\":\"w\"", Frozen + "-  volumeName: \"v\"\n+  volumeName: \"w\"\n")]
    [InlineData(Pending, Claim, Claim + ",\"storageClassName\":\"fast\"", "")]
    [InlineData(Pending, Claim + ",\"storageClassName\":\"\"", Claim + ",\"storageClassName\":\"fast\"", Frozen + "-  storageClassName: \"\"\n+  storageClassName: \"fast\"\n")]
    [InlineData(Bound, Claim, Claim + ",\"volumeAttributesClassName\":\"gold\"", "")]
    [InlineData(Pending, Claim, Claim + ",\"volumeAttributesClassName\":\"gold\"", Frozen + "+  volumeAttributesClassName: \"gold\"\n")]
    [InlineData("\"status\":{\"phase\":\"Bound\",\"currentVolumeAttributesClassName\":\"gold\"},", Claim + ",\"volumeAttributesClassName\":\"gold\"", Claim,
        "spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil")]
    [InlineData("\"status\":{\"phase\":\"Bound\"},", Claim + ",\"volumeAttributesClassName\":\"gold\"", Claim, "")]
    public void A_claim_changes_little(string status, string before, string after, string messages) =>
        Samples.Change("PersistentVolumeClaim", status + "\"spec\":{" + before + "}", status + "\"spec\":{" + after + "}", messages);

    [Fact]
    public void A_claim_may_move_its_class_from_the_annotation_to_the_field()
    {
        const string Old = "\"metadata\":{\"name\":\"x\",\"namespace\":\"default\",\"annotations\":{\"volume.beta.kubernetes.io/storage-class\":\"fast\"}},";
        Samples.Change("PersistentVolumeClaim", Old + "\"spec\":{" + Claim + "}", Old + "\"spec\":{" + Claim + ",\"storageClassName\":\"fast\"}", "");
        Samples.Change("PersistentVolumeClaim", Old + "\"spec\":{" + Claim + "}", "\"spec\":{" + Claim + "}",
            "metadata.annotations[volume.beta.kubernetes.io/storage-class]: Invalid value: \"\": field is immutable");
    }

    [Theory]
    [InlineData("\"allocatedResources\":{\"storage\":\"1Gi\"},\"allocatedResourceStatuses\":{\"storage\":\"NodeResizePending\"}", "")]
    [InlineData("\"allocatedResources\":{\"cpu\":\"1\"}", "status.allocatedResources: Unsupported value: \"cpu\": supported values: \"storage\"")]
    [InlineData("\"allocatedResourceStatuses\":{\"storage\":\"Growing\"}",
        "status.allocatedResourceStatus: Unsupported value: \"storage\": supported values: \"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", \"NodeResizeInProgress\", \"NodeResizeInfeasible\", \"NodeResizePending\"")]
    public void A_claim_that_grows_says_how_far_it_is(string status, string messages) =>
        Samples.Change("PersistentVolumeClaim", "\"spec\":{" + Claim + "}", "\"spec\":{" + Claim + "},\"status\":{" + status + "}", messages, "status");

    [Theory]
    [InlineData("\"provisioner\":\"\"", "provisioner: Required value")]
    [InlineData("\"provisioner\":\"p\",\"parameters\":{\"\":\"a\"}", "parameters: Invalid value: \"\": field can not be empty.")]
    [InlineData("\"provisioner\":\"p\",\"allowedTopologies\":[{\"matchLabelExpressions\":[{\"key\":\"zone\",\"values\":[]},{\"key\":\"zone\",\"values\":[\"a\",\"a\"]}]}]",
        "allowedTopologies[0].matchLabelExpressions[0].values: Required value|allowedTopologies[0].matchLabelExpressions[1].values[1]: Duplicate value: \"a\"|allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: \"zone\"")]
    [InlineData("\"provisioner\":\"p\",\"allowedTopologies\":[{\"matchLabelExpressions\":[{\"key\":\"zone\",\"values\":[\"a\",\"b\"]}]},{\"matchLabelExpressions\":[{\"key\":\"zone\",\"values\":[\"b\",\"a\"]}]}]",
        "allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\"")]
    [InlineData("\"provisioner\":\"p\",\"allowedTopologies\":[{\"matchLabelExpressions\":[{\"key\":\"zone\",\"values\":[\"a\"]}]},{\"matchLabelExpressions\":[{\"key\":\"zone\",\"values\":[\"b\"]}]}]", "")]
    public void A_class_is_whole(string body, string messages) => Samples.Create("storage.k8s.io/v1 StorageClass", Samples.ClusterMeta + "," + body, messages);

    [Theory]
    [InlineData("\"accessModes\":[\"ReadWriteOnce\"],\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"v\"}", "")]
    [InlineData("\"accessModes\":[\"ReadWriteOnce\"],\"capacity\":{\"storage\":\"1Gi\"},\"storageClassName\":\"a\",\"csi\":{\"driver\":\"d\",\"volumeHandle\":\"v\"}",
        "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes|spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified in the context of inline volumes")]
    [InlineData("\"accessModes\":[\"ReadWriteOnce\"],\"nfs\":{\"server\":\"s\",\"path\":\"/\"}", "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes")]
    public void An_attachment_may_describe_its_volume(string inline, string messages) => Samples.Create("storage.k8s.io/v1 VolumeAttachment",
        Samples.ClusterMeta + ",\"spec\":{\"attacher\":\"d\",\"nodeName\":\"n\",\"source\":{\"inlineVolumeSpec\":{" + inline + "}}}", messages);
}
