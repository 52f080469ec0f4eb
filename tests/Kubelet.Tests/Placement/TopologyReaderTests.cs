using Hanbae.Kubelet.Placement;

namespace Hanbae.Kubelet.Tests.Placement;

public sealed class TopologyReaderTests : IDisposable
{
    readonly string _sys = Directory.CreateTempSubdirectory("hanbae-sys-").FullName;

    public void Dispose() => Directory.Delete(_sys, recursive: true);

    void Put(string path, string text)
    {
        string file = Path.Combine(_sys, "devices/system", path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text + "\n");
    }

    void PutCpu(int id, int core, int socket, string cache, int cacheId)
    {
        Put($"cpu/cpu{id}/topology/core_id", $"{core}");
        Put($"cpu/cpu{id}/topology/physical_package_id", $"{socket}");
        Put($"cpu/cpu{id}/cache/index3/level", "3");
        Put($"cpu/cpu{id}/cache/index3/id", $"{cacheId}");
        Put($"cpu/cpu{id}/cache/index3/shared_cpu_list", cache);
    }

    [Fact]
    public void Cores_are_named_by_their_first_thread_and_caches_count_where_a_node_has_several()
    {
        Put("cpu/online", "0-7");
        Put("node/node0/cpulist", "0-1,4-5");
        Put("node/node1/cpulist", "2-3,6-7");
        foreach (int node in (int[])[0, 1])
        {
            Put($"node/node{node}/meminfo", $"Node {node} MemTotal:       {2048 + node} kB\nNode {node} MemFree:        11 kB");
            Put($"node/node{node}/distance", node == 0 ? "10 21" : "21 10");
            Put($"node/node{node}/hugepages/hugepages-2048kB/nr_hugepages", $"{3 + node}");
        }
        for (int cpu = 0; cpu < 8; cpu++) PutCpu(cpu, cpu % 2, cpu % 4 / 2, cpu % 4 < 2 ? "0-1,4-5" : $"{cpu % 4},{cpu % 4 + 4}", 10 + cpu % 4); // node 1 has a cache for each core

        var machine = TopologyReader.Read(0, new Dictionary<long, long>(), _sys);
        Assert.Equal((8, 4, 2), (machine.Cpus.Length, machine.Cores, machine.Sockets));
        Assert.Equal(new Cpu(5, 1, 0, 0, 0), machine[5]);
        Assert.Equal(new Cpu(7, 3, 1, 1, 13), machine[7]);
        Assert.Equal([(0, 2048L << 10, "10 21"), (1, 2049L << 10, "21 10")], machine.Nodes.Select(n => (n.Id, n.MemoryBytes, string.Join(' ', n.Distances))));
        Assert.Equal(4 * (2L << 20), machine.Nodes[1].HugePages[2 << 20]);
        Assert.Equal("0-1,4-5", machine.In(NumaMask.Of(0)).ToString());
        Assert.Equal("2,6", machine.WholeCores(CpuSet.Parse("6")).ToString());
    }

    [Fact]
    public void A_CPU_that_is_off_line_is_not_there()
    {
        Put("cpu/online", "0,2");
        Put("node/node0/cpulist", "0-3");
        Assert.Equal("0,2", TopologyReader.Read(0, new Dictionary<long, long>(), _sys).All.ToString());
    }

    [Fact]
    public void A_kernel_without_nodes_has_one()
    {
        Put("cpu/online", "0-1");
        var machine = TopologyReader.Read(64 << 20, new Dictionary<long, long> { [2 << 20] = 4 << 20 }, _sys);
        var node = Assert.Single(machine.Nodes);
        Assert.Equal((0, 64L << 20, 4L << 20), (node.Id, node.MemoryBytes, node.HugePages[2 << 20]));
        Assert.Equal("0-1", machine.In(NumaMask.Of(0)).ToString());
    }

    [Fact]
    public void This_machine_can_be_read()
    {
        if (!Directory.Exists("/sys/devices/system/cpu")) return;
        var machine = TopologyReader.Read(1 << 30, new Dictionary<long, long>());
        Assert.NotEmpty(machine.Cpus);
        Assert.Equal(machine.All, machine.In(machine.AllNodes));
    }
}
