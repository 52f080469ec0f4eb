Console.WriteLine("hanbae");
